using OrleansInference.Engine.Tests.Batching;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Torch;

/// <summary>Arguments that are one number, and arguments that nobody sends.</summary>
[Collection("torch")]
public sealed class NumberArgumentTests : IDisposable
{
    private const string Scales =
        """
        def forward(self, x: Tensor, rate: int, share: float=0.5, double: bool=False, mask: Optional[Tensor]=None, last: Optional[float]=None) -> Tensor:
          y = torch.mul(torch.mul(x, rate), share)
          if double:
            y0 = torch.mul(y, 2)
          else:
            y0 = y
          if torch.__is__(mask, None):
            y1 = y0
          else:
            y1 = torch.mul(y0, unchecked_cast(Tensor, mask))
          if torch.__is__(last, None):
            y2 = y1
          else:
            y2 = torch.add(y1, unchecked_cast(float, last))
          return y2
        """;

    private readonly TorchRepository _repository = new();

    public NumberArgumentTests() => _repository.Write(Scales);

    public void Dispose() => _repository.Dispose();

    [Theory]
    [InlineData("INT8", "05")]
    [InlineData("UINT8", "05")]
    [InlineData("INT16", "0500")]
    [InlineData("INT32", "05000000")]
    [InlineData("INT64", "0500000000000000")]
    public void An_integer_comes_from_every_type_of_integers(string datatype, string bytes)
    {
        _repository.Configure($"x FP32;rate {datatype} [1]", "y FP32");

        Assert.Equal([5f], Run(One("rate", datatype, bytes)));
    }

    [Theory]
    [InlineData("FP16", "0038")]
    [InlineData("BF16", "003F")]
    [InlineData("FP32", "0000003F")]
    [InlineData("FP64", "000000000000E03F")]
    public void A_fraction_comes_from_every_type_of_fractions(string datatype, string bytes)
    {
        _repository.Configure($"x FP32;rate INT32 [1];share {datatype} [1]", "y FP32");

        Assert.Equal([5f], Run(InferenceTensor.Create("rate", new[] { 5 }, 1), One("share", datatype, bytes)));
    }

    [Theory]
    [InlineData("[]", new long[0])]
    [InlineData("[1]", new long[] { 1 })]
    [InlineData("[-1]", new long[] { 1 })]
    [InlineData("", new long[] { 1, 1 })]
    public void A_number_has_no_dimension_or_one_of_one(string dims, long[] shape)
    {
        _repository.Configure($"x FP32;rate INT32 {dims}".TrimEnd(), "y FP32");

        Assert.Equal([3f], Run(new InferenceTensor("rate", DataType.Int32, shape, new byte[] { 3, 0, 0, 0 })));
    }

    [Fact]
    public void All_kinds_go_in_together_in_whatever_order_they_are_declared()
    {
        _repository.Configure("last FP64 [1];double BOOL [1];mask FP32;rate INT32 [1];x FP32", "y FP32");

        var output = _repository.Run(
            InferenceTensor.Create("last", new[] { 0.25 }, 1),
            InferenceTensor.Create("double", new[] { true }, 1),
            InferenceTensor.Create("mask", new[] { 3f }, 1),
            InferenceTensor.Create("rate", new[] { 5 }, 1),
            InferenceTensor.Create("x", new[] { 2f }, 1))[0];

        Assert.Equal([30.25f], output.ToArray<float>());
    }

    [Fact]
    public void More_than_one_number_is_refused_with_the_shape()
    {
        _repository.Configure("x FP32;rate INT32 [-1]", "y FP32");

        var refusal = Assert.Throws<InferenceException>(() => Run(InferenceTensor.Create("rate", new[] { 1, 2 }, 2)));

        Assert.Equal(InferenceError.InvalidArgument, refusal.Error);
        Assert.Equal("input 'rate' with shape [2] has 2 elements for model 'model', but forward takes 1", refusal.Message);
    }

    [Theory]
    [InlineData("[]", new long[] { 3 })]
    [InlineData("[1]", new long[] { 3, 1 })]
    public void Rows_of_a_batch_have_one_value(string dims, long[] shape)
    {
        _repository.Configure($"x FP32 [1];rate INT32 {dims}", "y FP32 [1]", maxBatchSize: 4);

        Assert.Equal([5f, 5, 5], Run(3, InferenceTensor.Create("rate", new[] { 5, 5, 5 }, shape)));
        var refusal = Assert.Throws<InferenceException>(() => Run(3, InferenceTensor.Create("rate", new[] { 5, 5, 7 }, shape)));
        Assert.Equal(InferenceError.InvalidArgument, refusal.Error);
        Assert.Equal("input 'rate' is 5 in one row and 7 in another for model 'model', but forward takes 1 value for all rows", refusal.Message);
    }

    [Fact]
    public void The_configuration_names_the_inputs_that_are_numbers()
    {
        _repository.Configure("x FP32 [1];double BOOL [1];rate INT32 [1]", "y FP32 [1]", maxBatchSize: 4);

        Assert.Equal(["double", "rate"], _repository.Open().Config.NumberInputs);
    }

    [Fact]
    public async Task Requests_share_a_batch_only_where_their_numbers_are_the_same()
    {
        await using var harness = new BatcherHarness(configure: options => options with { EqualInputs = [0] });
        await harness.OccupyAsync();

        var requests = new[] { 5, 7, 5, 7, 5 }.Select(value => harness.SendAsync(value)).ToArray();
        harness.Model.Release();
        await Task.WhenAll(requests);

        Assert.Equal([[0], [5, 5, 5], [7, 7]], harness.Model.Batches);
    }

    private float[] Run(params InferenceTensor[] more) => Run(1, more);

    private float[] Run(int rows, params InferenceTensor[] more)
    {
        long[] shape = _repository.Open().Config.MaxBatchSize > 0 ? [rows, 1] : [rows];
        return _repository.Run([InferenceTensor.Create("x", Enumerable.Repeat(2f, rows).ToArray(), shape), .. more])[0].ToArray<float>();
    }

    private static InferenceTensor One(string name, string datatype, string bytes)
    {
        Assert.True(DataTypes.TryParse(datatype, out var type));
        return new(name, type, [1], Convert.FromHexString(bytes));
    }
}
