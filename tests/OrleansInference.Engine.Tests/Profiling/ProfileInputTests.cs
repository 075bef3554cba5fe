using OrleansInference.Engine.Profiling;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Profiling;

public sealed class ProfileInputTests
{
    private static readonly Dictionary<string, long[]> None = [];

    [Fact]
    public void Open_dimensions_are_1_unless_they_are_given()
    {
        var network = Network(8, Input("x", DataType.Float32, -1, -1, 3), Input("y", DataType.Int64, -1, 2));

        Assert.Equal(["x FP32[4,1,3]", "y INT64[4,2]"], Create(network, 4, None));
        Assert.Equal(["x FP32[4,5,3]", "y INT64[4,2]"], Create(network, 4, new() { ["x"] = [5, 3] }));
    }

    [Fact]
    public void Without_batches_there_are_no_rows()
    {
        var network = Network(0, Input("x", DataType.Float32, -1, 3));

        Assert.Equal(["x FP32[1,3]"], Create(network, 4, None));
        Assert.Equal(["x FP32[7,3]"], Create(network, 4, new() { ["x"] = [7, 3] }));
    }

    [Fact]
    public void Any_shape_is_taken_where_any_is_declared() => Assert.Equal(
        ["x FP32[2,3,4]"], Create(Network(0, Input("x", DataType.Float32, -1) with { AnyRank = true }), 1, new() { ["x"] = [2, 3, 4] }));

    [Fact]
    public void Floating_point_numbers_are_random_and_the_same_each_time_and_the_others_are_0()
    {
        var network = Network(
            8, Input("x", DataType.Float32, -1, 3), Input("y", DataType.Float64, -1, 3), Input("z", DataType.Int32, -1, 3), Input("s", DataType.Bytes, -1, 3));

        var inputs = ProfileInputs.Create(network, 2, None);

        Assert.Equal(6, inputs[0].ToArray<float>().Distinct().Count());
        Assert.Equal(6, inputs[1].ToArray<double>().Distinct().Count());
        Assert.Equal(new int[6], inputs[2].ToArray<int>());
        Assert.Equal(["", "", "", "", "", ""], inputs[3].ToStrings());
        Assert.Equal(inputs[0].ToArray<float>(), ProfileInputs.Create(network, 2, None)[0].ToArray<float>());
    }

    [Theory]
    [InlineData("z", new long[] { 1 }, "shape of 'z': the network of 'model' has no such input, but 'x'")]
    [InlineData("x", new long[] { 5, 4 }, "shape of 'x': [5,4] does not match [-1,3]")]
    [InlineData("x", new long[] { 3 }, "shape of 'x': [3] does not match [-1,3]")]
    [InlineData("x", new long[] { 1_000_000_000, 3 }, "shape of 'x': [1,1000000000,3] is more than a tensor of 2147483591 bytes")]
    public void A_shape_that_the_network_does_not_take_is_refused(string input, long[] dims, string reason)
    {
        var network = Network(8, Input("x", DataType.Float32, -1, -1, 3));

        var exception = Assert.Throws<InferenceException>(() => ProfileInputs.Create(network, 1, new Dictionary<string, long[]> { [input] = dims }));

        Assert.Equal((InferenceError.InvalidArgument, reason), (exception.Error, exception.Message));
    }

    [Theory]
    [InlineData("image:3,224,224", "image", new long[] { 3, 224, 224 })]
    [InlineData("a:b:7", "a:b", new long[] { 7 })]
    public void A_shape_is_read_as_users_write_it(string text, string input, long[] dims)
    {
        Assert.True(ProfileOptions.TryParseShape(text, out var readInput, out var readDims));
        Assert.Equal(input, readInput);
        Assert.Equal(dims, readDims);
    }

    [Theory]
    [InlineData("image")]
    [InlineData("image:")]
    [InlineData(":3")]
    [InlineData("image:3,,4")]
    [InlineData("image:-1")]
    [InlineData("image:0")]
    [InlineData("image:99999999999999999999")]
    public void What_is_no_shape_is_not_read(string text) => Assert.False(ProfileOptions.TryParseShape(text, out _, out _));

    [Theory]
    [InlineData(1, new[] { 1 })]
    [InlineData(2, new[] { 1, 2 })]
    [InlineData(4, new[] { 1, 2, 3, 4 })]
    [InlineData(64, new[] { 1, 32, 63, 64 })]
    public void One_thread_half_of_them_all_but_one_and_all_are_tried(int cores, int[] expected) => Assert.Equal(expected, ProfileOptions.DefaultThreads(cores));

    [Theory]
    [InlineData(0, new[] { 1 })]
    [InlineData(1, new[] { 1 })]
    [InlineData(8, new[] { 1, 2, 4, 8 })]
    [InlineData(12, new[] { 1, 2, 4, 8, 12 })]
    public void Batch_sizes_double_up_to_the_largest(int largest, int[] expected) => Assert.Equal(expected, ModelProfiler.BatchSizes(largest));

    private static IEnumerable<string> Create(ModelSignature network, int rows, Dictionary<string, long[]> shapes) =>
        ProfileInputs.Create(network, rows, shapes).Select(input => input.ToString());

    private static ModelSignature Network(int maxBatchSize, params TensorSignature[] inputs) => new("model", maxBatchSize, inputs, []);

    private static TensorSignature Input(string name, DataType type, params long[] shape) => new() { Name = name, DataType = type, Shape = shape };
}
