namespace OrleansInference.Benchmarks.Models;

/// <summary>A network that is measured, with one FP32 input and one FP32 output.</summary>
/// <param name="Name">Its name in the repository.</param>
/// <param name="Row">The shape of one row of its input.</param>
/// <param name="Outputs">The elements of one row of its output.</param>
/// <param name="MaxBatchSize">The most rows in a batch; 0 where it has no batch dimension.</param>
internal sealed record BenchmarkModel(string Name, long[] Row, int Outputs, int MaxBatchSize)
{
    public const string Input = "INPUT0";

    public const string Output = "OUTPUT0";

    private const int Seed = 20;

    /// <summary>Gives back one number: what is left is the server.</summary>
    public static readonly BenchmarkModel Identity = new("identity", [1], 1, 64);

    /// <summary>Gives back 16 MB: what is left is moving bytes.</summary>
    public static readonly BenchmarkModel Large = new("large", [4 * 1024 * 1024], 4 * 1024 * 1024, 0);

    /// <summary>784-256-10, the network of many first tutorials.</summary>
    public static readonly BenchmarkModel Mlp = new("mlp", [784], 10, 64);

    /// <summary>Four convolutions over a photograph of 224 x 224.</summary>
    public static readonly BenchmarkModel Conv = new("conv", [3, 224, 224], 10, 16);

    /// <summary>Small tensors and large matrices: the device, and not the web server, is what it wears out. Its queue is one batch.</summary>
    public static readonly BenchmarkModel Dense = new("dense", [64], 10, 32) { MaxQueueSize = 32 };

    public static readonly BenchmarkModel[] All = [Identity, Large, Mlp, Conv, Dense];

    /// <summary>The most requests that wait; 0 for the server's own limit.</summary>
    public int MaxQueueSize { get; private init; }

    /// <summary>The elements of one row of the input.</summary>
    public int Elements => (int)Row.Aggregate(1L, (product, dimension) => product * dimension);

    /// <summary>The shape of one request's input.</summary>
    public long[] Shape => MaxBatchSize > 0 ? [1, .. Row] : Row;

    /// <summary>The elements of one request, the same in every run.</summary>
    public float[] MakeInput()
    {
        var random = new Random(Seed);
        return [.. Enumerable.Range(0, Elements).Select(_ => random.NextSingle())];
    }

    public string FileIn(string repository) => Path.Combine(repository, Name, "1", "model.pt");

    /// <summary>Writes the model as the server's repository has it.</summary>
    public void Write(string repository)
    {
        var (forward, weights) = Name switch
        {
            "mlp" => (MlpForward, MlpWeights()),
            "conv" => (ConvForward, ConvWeights()),
            "dense" => (DenseForward, DenseWeights()),
            _ => (IdentityForward, []),
        };
        TorchScriptWriter.Write(FileIn(repository), forward, weights);
        File.WriteAllText(
            Path.Combine(repository, Name, "config.json"),
            $$"""
            {
              "max_batch_size": {{MaxBatchSize}},
              "input": [{ "name": "{{Input}}", "data_type": "TYPE_FP32", "dims": [{{string.Join(", ", Row)}}] }],
              "output": [{ "name": "{{Output}}", "data_type": "TYPE_FP32", "dims": [{{Outputs}}] }]{{(MaxBatchSize > 0 ? ",\n  \"dynamic_batching\": " + Batching() : "")}}
            }
            """);
    }

    private string Batching() => MaxQueueSize == 0 ? "{}" : $$"""{ "default_queue_policy": { "max_queue_size": {{MaxQueueSize}} } }""";

    private const string IdentityForward =
        """
        def forward(self, INPUT0: Tensor) -> Tensor:
          return INPUT0
        """;

    private const string MlpForward =
        """
        def forward(self, INPUT0: Tensor) -> Tensor:
          x = torch.relu(torch.linear(INPUT0, self.w1, self.b1))
          return torch.linear(x, self.w2, self.b2)
        """;

    private const string DenseForward =
        """
        def forward(self, INPUT0: Tensor) -> Tensor:
          x = torch.relu(torch.linear(INPUT0, self.w1, self.b1))
          y = torch.relu(torch.linear(x, self.w2, self.b2))
          z = torch.relu(torch.linear(y, self.w3, self.b3))
          return torch.linear(z, self.w4, self.b4)
        """;

    private const string ConvForward =
        """
        def forward(self, INPUT0: Tensor) -> Tensor:
          a = torch.relu(torch.conv2d(INPUT0, self.w1, self.b1, [2, 2], [1, 1], [1, 1], 1))
          b = torch.relu(torch.conv2d(a, self.w2, self.b2, [2, 2], [1, 1], [1, 1], 1))
          c = torch.relu(torch.conv2d(b, self.w3, self.b3, [2, 2], [1, 1], [1, 1], 1))
          d = torch.relu(torch.conv2d(c, self.w4, self.b4, [2, 2], [1, 1], [1, 1], 1))
          return torch.linear(torch.mean(d, [2, 3]), self.w5, self.b5)
        """;

    private static List<(string, long[], float[])> MlpWeights() => Weights([256, 784], [10, 256]);

    private static List<(string, long[], float[])> DenseWeights() => Weights([2048, 64], [2048, 2048], [2048, 2048], [10, 2048]);

    private static List<(string, long[], float[])> ConvWeights() =>
        Weights([16, 3, 3, 3], [32, 16, 3, 3], [64, 32, 3, 3], [64, 64, 3, 3], [10, 64]);

    /// <summary>Random weights <c>w1</c>, <c>w2</c>, ... of a size that keeps sums near 1, and the biases <c>b1</c>, <c>b2</c>, ...</summary>
    private static List<(string, long[], float[])> Weights(params long[][] shapes)
    {
        var random = new Random(Seed);
        var weights = new List<(string, long[], float[])>();
        for (var layer = 1; layer <= shapes.Length; layer++)
        {
            var shape = shapes[layer - 1];
            var inputs = shape[1..].Aggregate(1L, (product, dimension) => product * dimension);
            var scale = 2 / MathF.Sqrt(inputs);
            weights.Add(($"w{layer}", shape, [.. Enumerable.Range(0, (int)(shape[0] * inputs)).Select(_ => scale * (random.NextSingle() - 0.5f))]));
            weights.Add(($"b{layer}", [shape[0]], [.. Enumerable.Range(0, (int)shape[0]).Select(_ => random.NextSingle() - 0.5f)]));
        }

        return weights;
    }
}
