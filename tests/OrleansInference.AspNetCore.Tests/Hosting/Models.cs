using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests.Hosting;

/// <summary>What the scripted cluster serves.</summary>
internal static class Models
{
    public static readonly string[] Digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

    public static List<ModelEntry> All() =>
    [
        Ready(
            "simple",
            8,
            [Tensor("INPUT0", DataType.Int32, [-1, 16]), Tensor("INPUT1", DataType.Int32, [-1, 16])],
            [Tensor("OUTPUT0", DataType.Int32, [-1, 16]), Tensor("OUTPUT1", DataType.Int32, [-1, 16])]),
        Ready(
            "identity",
            0,
            [Tensor("INPUT0", DataType.Float32, [-1]) with { AnyRank = true }],
            [Tensor("OUTPUT0", DataType.Float32, [-1]) with { AnyRank = true }]),
        Ready(
            "digits",
            8,
            [Tensor("image", DataType.Bytes, [-1, 1])],
            [Tensor("scores", DataType.Float32, [-1, 10]) with { Labels = Digits }, Tensor("label", DataType.Bytes, [-1, 1])]),
        Decoupled(Ready(
            "countdown",
            8,
            [Tensor("FROM", DataType.Int32, [-1, 1])],
            [Tensor("NUMBER", DataType.Int32, [-1, 1]), Tensor("DONE", DataType.Bool, [-1, 1])])),
        NotReady("loading", 1, ModelState.Loading, "it is being warmed up"),
        NotReady("broken", 0, ModelState.Unavailable, "config.json: 'inputs' is missing"),
    ];

    public static ModelEntry Ready(
        string name, int maxBatchSize, TensorSignature[] inputs, TensorSignature[] outputs, int version = 1) => new()
        {
            Id = new(name, version),
            State = ModelState.Ready,
            Reason = "",
            Instances = [],
            Descriptor = new()
            {
                Id = new(name, version),
                Platform = "pytorch_libtorch",
                MaxBatchSize = maxBatchSize,
                Inputs = inputs,
                Outputs = outputs,
                Configuration = $$"""{"name":"{{name}}","max_batch_size":{{maxBatchSize}}}""",
            },
        };

    private static ModelEntry Decoupled(ModelEntry entry) => entry with { Descriptor = entry.Descriptor! with { IsDecoupled = true } };

    public static ModelEntry NotReady(string name, int version, ModelState state, string reason) =>
        new() { Id = new(name, version), State = state, Reason = reason, Instances = [], Descriptor = null };

    public static TensorSignature Tensor(string name, DataType type, long[] shape) =>
        new() { Name = name, DataType = type, Shape = shape };
}
