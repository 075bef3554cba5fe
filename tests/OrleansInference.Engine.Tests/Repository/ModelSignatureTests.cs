using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Repository;

public sealed class ModelSignatureTests
{
    private static readonly ModelSignature Signature = ModelSignatures.OfModel(new()
    {
        Name = "m",
        Platform = "",
        ModelFile = "",
        MaxBatchSize = 4,
        Inputs = [new("A", DataType.Float32, [2], []), new("B", DataType.Int32, [-1], [])],
        Outputs = [new("Y", DataType.Float32, [2], [])],
        VersionPolicy = new(1, null),
        Batching = new(),
        InstanceGroups = [],
        Preprocessing = [],
        Postprocessing = [],
        Json = "",
    });

    private static readonly InferenceTensor A = InferenceTensor.Create("A", new float[4], 2, 2);
    private static readonly InferenceTensor B = InferenceTensor.Create("B", new int[6], 2, 3);

    [Fact]
    public void Inputs_in_any_order_are_brought_into_the_models()
    {
        var bound = Signature.Bind(Request(B, A), out var rows);

        Assert.Equal(["A", "B"], bound.Select(tensor => tensor.Name));
        Assert.Equal(2, rows);
    }

    public static TheoryData<InferenceTensor[], string> BadInputs => new()
    {
        { [A], "expected 2 inputs but got 1 inputs for model 'm'. Got input(s) ['A'], but missing required input(s) ['B']" },
        { [A, B, InferenceTensor.Create("Z", new float[1])], "unexpected inference input 'Z' for model 'm'" },
        { [A, A], "input 'A' already exists in request" },
        { [A, InferenceTensor.Create("B", new float[6], 2, 3)], "inference input 'B' data-type is 'FP32', but model 'm' expects 'INT32'" },
        { [InferenceTensor.Create("A", new float[6], 2, 3), B], "unexpected shape for input 'A' for model 'm'. Expected [-1,2], got [2,3]" },
        { [InferenceTensor.Create("A", new float[2]), B], "Expected [-1,2], got [2]" },
        { [InferenceTensor.Create("A", new float[10], 5, 2), B], "inference request batch-size must be <= 4 for 'm'" },
        { [InferenceTensor.Create("A", Array.Empty<float>(), 0, 2), B], "inference request batch-size must be >= 1 for 'm'" },
        { [A, InferenceTensor.Create("B", new int[3], 1, 3)], "input 'B' batch size 1 does not match other inputs for 'm', which have 2" },
    };

    [Theory]
    [MemberData(nameof(BadInputs), DisableDiscoveryEnumeration = true)]
    public void Inputs_that_do_not_fit_are_refused_in_the_words_that_clients_know(InferenceTensor[] inputs, string expected)
    {
        var exception = Assert.Throws<InferenceException>(() => Signature.Bind(Request(inputs), out _));

        Assert.Equal(InferenceError.InvalidArgument, exception.Error);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Z", "unexpected inference output 'Z' for model 'm'")]
    [InlineData("Y,Y", "requested twice")]
    public void Outputs_that_do_not_exist_or_repeat_are_refused(string outputs, string expected)
    {
        var request = Request(A, B) with { Outputs = outputs.Split(',') };

        var exception = Assert.Throws<InferenceException>(() => Signature.Bind(request, out _));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    private static InferenceRequest Request(params InferenceTensor[] inputs) => new() { Model = "m", Inputs = inputs };
}
