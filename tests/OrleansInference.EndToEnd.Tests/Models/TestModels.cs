namespace OrleansInference.EndToEnd.Tests.Models;

/// <summary>Models that show what the bundled ones cannot. All take and give one FP32 number per row.</summary>
internal static class TestModels
{
    /// <summary>
    /// Takes the longer, the larger its input is, and gives it back. It computes on one core: the time depends neither on how many there
    /// are, nor, as it does where the threads of one operation wait for each other, on what else they have to do.
    /// </summary>
    private const string Slow =
        """
        def forward(self, INPUT0: Tensor) -> Tensor:
          x = torch.ones([1024])
          y = x
          for _0 in range(int(torch.max(INPUT0))):
            y0 = torch.sub(y, x)
            y = y0
          return torch.add(INPUT0, torch.mul(torch.max(y), 0))
        """;

    private const string Picky =
        """
        def forward(self, INPUT0: Tensor) -> Tensor:
          if bool(torch.any(torch.lt(INPUT0, 0))):
            ops.prim.RaiseException("negative numbers are not welcome", "builtins.ValueError")
          else:
            pass
          return INPUT0
        """;

    private const string UnknownOperator =
        """
        def forward(self, INPUT0: Tensor) -> Tensor:
          return torch.no_such_operator(INPUT0)
        """;

    /// <summary>Integers are divided without a look at what they are divided by, and the processor's refusal ends the process.</summary>
    private const string Dividing =
        """
        def forward(self, INPUT0: Tensor) -> Tensor:
          return torch.add(INPUT0, torch.remainder(7, torch.sub(int(torch.max(INPUT0)), 13)))
        """;

    /// <summary>The input that makes <c>dividing</c> end the process.</summary>
    public const float Deadly = 13;

    /// <summary>An input of <c>slow</c> that keeps its device busy for most of a second.</summary>
    public const float Work = 500_000;

    public const string RefusalOfPicky = "negative numbers are not welcome";

    /// <summary><c>slow</c>, one row at a time, with a queue of the given length; 0 for the server's own limit.</summary>
    public static void AddSlow(string repository, string name = "slow", int maxQueueSize = 0)
    {
        TorchScriptArchive.Write(ModelFile(repository, name), Slow);
        WriteConfig(repository, name, maxBatchSize: 1, $$"""{ "default_queue_policy": { "max_queue_size": {{maxQueueSize}} } }""");
    }

    /// <summary><c>picky</c>, which raises on negative numbers and takes up to eight rows at a time.</summary>
    public static void AddPicky(string repository)
    {
        TorchScriptArchive.Write(ModelFile(repository, "picky"), Picky);
        WriteConfig(repository, "picky", maxBatchSize: 8);
    }

    /// <summary>A model that multiplies by a number and adds one, which stand in the archive's source.</summary>
    public static void AddLinear(string repository, string name, string factor, string offset = "0", string version = "1", string more = "")
    {
        var forward = $"""
            def forward(self, INPUT0: Tensor) -> Tensor:
              return torch.add(torch.mul(INPUT0, {factor}), {offset})
            """;
        TorchScriptArchive.Write(Path.Combine(repository, name, version, "model.pt"), forward);
        WriteConfig(repository, name, maxBatchSize: 8, more: more);
    }

    /// <summary>A model that adds up its two inputs, <c>A</c> and <c>B</c>, to <c>SUM</c>.</summary>
    public static void AddSum(string repository, string name)
    {
        TorchScriptArchive.Write(ModelFile(repository, name), """
            def forward(self, A: Tensor, B: Tensor) -> Tensor:
              return torch.add(A, B)
            """);
        File.WriteAllText(Path.Combine(repository, name, "config.json"), """
            {
              "max_batch_size": 8,
              "input": [ { "name": "A", "data_type": "TYPE_FP32", "dims": [1] }, { "name": "B", "data_type": "TYPE_FP32", "dims": [1] } ],
              "output": [ { "name": "SUM", "data_type": "TYPE_FP32", "dims": [1] } ]
            }
            """);
    }

    /// <summary>An ensemble of one FP32 number per row in and out.</summary>
    public static void AddEnsemble(string repository, string name, string section)
    {
        Directory.CreateDirectory(Path.Combine(repository, name));
        WriteConfig(repository, name, maxBatchSize: 8, batching: null, more: $$""" "platform": "ensemble", {{section}} """);
    }

    /// <summary>A model whose file makes libtorch abort the process that loads it.</summary>
    public static void AddAborting(string repository, string name, string version = "1")
    {
        TorchScriptArchive.Write(Path.Combine(repository, name, version, "model.pt"), UnknownOperator);
        WriteConfig(repository, name);
    }

    /// <summary><c>dividing</c>, which can be loaded and run, but for one input.</summary>
    public static void AddDividing(string repository)
    {
        TorchScriptArchive.Write(ModelFile(repository, "dividing"), Dividing);
        WriteConfig(repository, "dividing");
    }

    /// <summary>A model whose file is nothing but these bytes.</summary>
    public static void AddFile(string repository, string name, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(ModelFile(repository, name))!);
        File.WriteAllBytes(ModelFile(repository, name), content);
        WriteConfig(repository, name);
    }

    /// <summary>A sound file in a folder, or under a name, that is not a version's.</summary>
    public static void AddFolder(string repository, string name, string version, string file = "model.pt")
    {
        TorchScriptArchive.Write(Path.Combine(repository, name, version, file), Picky);
        WriteConfig(repository, name);
    }

    /// <summary>A sound file with this configuration.</summary>
    public static void AddConfigured(string repository, string name, string config)
    {
        TorchScriptArchive.Write(ModelFile(repository, name), Picky);
        File.WriteAllText(Path.Combine(repository, name, "config.json"), config);
    }

    private static string ModelFile(string repository, string name) => Path.Combine(repository, name, "1", "model.pt");

    private static void WriteConfig(string repository, string name, int maxBatchSize = 1, string? batching = "{}", string more = "") => File.WriteAllText(
        Path.Combine(repository, name, "config.json"),
        $$"""
        {
          "max_batch_size": {{maxBatchSize}},
          "input": [ { "name": "INPUT0", "data_type": "TYPE_FP32", "dims": [1] } ],
          "output": [ { "name": "OUTPUT0", "data_type": "TYPE_FP32", "dims": [1] } ]
          {{(batching is null ? "" : $", \"dynamic_batching\": {batching}")}}
          {{(more.Length == 0 ? "" : $", {more}")}}
        }
        """);
}
