namespace OrleansInference.Engine.Tests.Torch;

/// <summary>What is said of a folder with an archive, and with no configuration or half of one.</summary>
public sealed class SuggestionTests : IDisposable
{
    private readonly TorchRepository _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void A_file_alone_is_told_the_lines_to_write()
    {
        _repository.Write("def forward(self, x: Tensor, rate: int, on: bool, share: float, mask: Optional[Tensor]=None) -> Tuple[Tensor, Tensor]:\n  return (x, x)");

        Assert.Equal(
            """config.json: the file is missing, and 1/model.pt tells no datatypes: it must at least say {"input": [{"name": "x", "data_type": "TYPE_FP32"}, {"name": "rate", "data_type": "TYPE_INT64", "dims": [1]}, {"name": "on", "data_type": "TYPE_BOOL", "dims": [1]}, {"name": "share", "data_type": "TYPE_FP32", "dims": [1]}], "output": [{"name": "OUTPUT__0", "data_type": "TYPE_FP32"}, {"name": "OUTPUT__1", "data_type": "TYPE_FP32"}]}, with each tensor's own data_type""",
            _repository.FindFault());
    }

    [Fact]
    public void What_is_suggested_serves_the_model()
    {
        _repository.Write("def forward(self, x: Tensor, rate: int) -> Tuple[Tensor, Tensor]:\n  return (x, torch.mul(x, rate))");
        var fault = _repository.FindFault();

        _repository.Configure(fault[fault.IndexOf('{', StringComparison.Ordinal)..(fault.LastIndexOf('}') + 1)]);

        _repository.Load().Dispose();
    }

    [Fact]
    public void A_dict_is_told_by_its_keys()
    {
        _repository.Write("def forward(self, x: Tensor) -> Dict[str, Tensor]:\n  return {\"logits\": x, \"hidden\": x}");

        Assert.Contains("\"output\": [{\"name\": \"logits\", \"data_type\": \"TYPE_FP32\"}, {\"name\": \"hidden\", \"data_type\": \"TYPE_FP32\"}]", _repository.FindFault(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"output\": [{\"name\": \"y\", \"data_type\": \"TYPE_FP32\"}]", "input: a model needs at least one input: \"input\": [{\"name\": \"x\", \"data_type\": \"TYPE_FP32\"}], with each tensor's own data_type")]
    [InlineData("\"input\": [{\"name\": \"x\", \"data_type\": \"TYPE_FP32\"}]", "output: a model needs at least one output: \"output\": [{\"name\": \"OUTPUT__0\", \"data_type\": \"TYPE_FP32\"}], with each tensor's own data_type")]
    public void Half_of_a_configuration_is_told_the_other_half(string half, string expected)
    {
        _repository.Write("def forward(self, x: Tensor) -> Tensor:\n  return x");
        _repository.Configure($"{{{half}}}");

        Assert.Contains(expected, _repository.FindFault(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_archive_is_refused_for_that_whatever_else_is_missing()
    {
        _repository.WriteFile("1/model.pt", "");

        Assert.StartsWith("1/model.pt: the file is empty", _repository.FindFault(), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_at_all_is_told_what_a_configuration_must_say()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_repository.ModelPath)!);

        Assert.Equal("config.json: the file is missing: it must at least say max_batch_size, input and output of the TorchScript model", _repository.FindFault());
    }
}
