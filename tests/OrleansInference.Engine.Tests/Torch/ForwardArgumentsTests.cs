using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Torch;

namespace OrleansInference.Engine.Tests.Torch;

/// <summary>Which configured input is which argument of forward, and what does not go together.</summary>
public sealed class ForwardArgumentsTests : IDisposable
{
    private const string Takes = "x: Tensor, rate: int=16000, mask: Optional[Tensor]=None";

    private readonly TorchRepository _repository = new();

    public void Dispose() => _repository.Dispose();

    [Theory]
    [InlineData("x FP32;rate INT64 [1]", new[] { 0, 1 })]
    [InlineData("mask FP32;rate INT64 [];x FP32", new[] { 2, 1, 0 })]
    [InlineData("mask FP32;x FP32", new[] { 2, 0 })]
    [InlineData("B__1 INT64 [1];A__0 FP32", new[] { 1, 0 })]
    [InlineData("C__2 FP32;A__0 FP32", new[] { 2, 0 })]
    [InlineData("first FP32;second INT32 [1];third FP32", new[] { 0, 1, 2 })]
    [InlineData("first FP32", new[] { 0 })]
    public void Inputs_are_found_by_name_then_by_the_convention_and_then_by_order(string inputs, int[] positions)
    {
        var network = Open(inputs, Takes).Network;

        Assert.Equal(positions, Bind(network, Takes).Positions);
    }

    [Theory]
    [InlineData("a FP32;b INT64;c FP32;d FP32", Takes, "input: 4 are declared, but forward takes 1 to 3: (x: Tensor, rate: int=16000, mask: Optional[Tensor]=None) (1/model.pt)")]
    [InlineData("a FP32", "x: Tensor, y: Tensor", "input: 1 are declared, but forward takes 2: (x: Tensor, y: Tensor) (1/model.pt)")]
    [InlineData("x FP32;speed INT64", Takes, "input 'speed': is none of the arguments of forward, though others are: it takes (x: Tensor, rate")]
    [InlineData("mask FP32", Takes, "input: forward needs 'x' of Tensor, which is not declared: it takes (x: Tensor, rate")]
    [InlineData("B__1 INT64 [1]", Takes, "input: forward needs 'x' of Tensor, which is not declared")]
    [InlineData("x FP32;rate FP32 [1]", Takes, "input 'rate': declared as FP32, but forward's argument 'rate' of int is made of INT8, INT16, INT32, INT64, UINT8")]
    [InlineData("x FP32;rate INT64 [3]", Takes, "input 'rate': dims [3] are not those of forward's argument 'rate' of int, which is one number: [] or [1]")]
    [InlineData("x FP32;rate INT64 [1,1]", Takes, "input 'rate': dims [1,1] are not those")]
    [InlineData("x FP32;on INT8", "x: Tensor, on: bool", "input 'on': declared as INT8, but forward's argument 'on' of bool is made of BOOL")]
    [InlineData("x FP32;t INT64", "x: Tensor, t: Optional[float]", "input 't': declared as INT64, but forward's argument 't' of Optional[float] is made of FP16, BF16, FP32, FP64")]
    [InlineData("x FP32;pads INT64", "x: Tensor, pads: List[int]", "input 'pads': forward's argument 'pads' is of List[int], which no input can be")]
    [InlineData("x FP32", "x: Tensor, pads: List[int]", "input: forward needs 'pads' of List[int], which is not declared")]
    [InlineData("x FP32;y FP32", "x: Tensor, pads: Tuple[int, int]=(0, 0), y: Tensor", "input: forward's 'pads' with its default (0, 0) cannot stand before what is declared")]
    public void What_does_not_go_together_is_named_with_what_forward_takes(string inputs, string arguments, string expected)
    {
        Configure(inputs, arguments);

        Assert.Contains(expected, _repository.FindFault(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("y FP32", "Tuple[Tensor, Tensor]", "output: 1 are declared, but forward returns 2: Tuple[Tensor, Tensor] (1/model.pt)")]
    [InlineData("y FP32;z FP32", "Tensor", "output: 2 are declared, but forward returns 1: Tensor (1/model.pt)")]
    public void A_wrong_number_of_outputs_is_told_where_the_type_tells_it(string outputs, string returns, string expected)
    {
        _repository.Write($"def forward(self, x: Tensor) -> {returns}:\n  return x");
        _repository.Configure("x FP32", outputs);

        Assert.Contains(expected, _repository.FindFault(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_declared_gets_its_default_or_none()
    {
        const string All = "x: Tensor, rate: int=-3, big: bool=True, share: float=2.5e-1, none: Optional[int]=None, open: Optional[float], late: str=\"a\"";
        var network = Open("x FP32;rate INT64 [1]", All).Network;

        Assert.Equal([null, null, true, 0.25, null, null], Bind(network, All).Defaults);
    }

    [Fact]
    public void Every_version_is_read_for_itself()
    {
        _repository.Configure("x FP32", "y FP32", more: ", \"version_policy\": {\"all\": {}}");
        TorchScriptArchive.Write(_repository.PathOf(1), "def forward(self, x: Tensor) -> Tensor:\n  return x");
        TorchScriptArchive.Write(_repository.PathOf(2), "def forward(self, x: Tensor, y: Tensor) -> Tensor:\n  return x");

        var reasons = new FileModelRepository([_repository.Root]).Publications.Select(publication => publication.Reason).ToList();

        Assert.Equal("", reasons[0]);
        Assert.Contains("forward needs 'y' of Tensor, which is not declared: it takes (x: Tensor, y: Tensor) (2/model.pt)", reasons[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Preprocessing_makes_the_arguments()
    {
        _repository.Write("def forward(self, features: Tensor) -> Tensor:\n  return features");
        _repository.Configure(
            "a FP32 [1];b FP32 [1]", "y FP32 [2]", 8, ", \"preprocessing\": [{\"output\": \"features\", \"columns\": [{\"input\": \"a\"}, {\"input\": \"b\"}]}]");

        Assert.Equal("features", Assert.Single(_repository.Open().Network.Inputs).Name);
    }

    [Fact]
    public void An_archive_of_which_only_the_number_of_arguments_is_known_goes_by_order()
    {
        var network = Open("first FP32;second FP32", "x: Tensor, y: Tensor").Network;

        Assert.Equal([0, 1], ForwardArguments.Guess(2, network).Positions);
        Assert.Contains("forward takes 3 inputs, but the configuration declares 2", Assert.Throws<InferenceException>(() => ForwardArguments.Guess(3, network)).Message, StringComparison.Ordinal);
    }

    private ModelVersion Open(string inputs, string arguments)
    {
        Configure(inputs, arguments);
        return _repository.Open();
    }

    private void Configure(string inputs, string arguments)
    {
        _repository.Write($"def forward(self, {arguments}) -> Tensor:\n  return x");
        _repository.Configure(inputs, "y FP32");
    }

    private static ForwardArguments Bind(ModelSignature network, string arguments)
    {
        var errors = new List<string>();
        var bound = ForwardArguments.Bind(ForwardSchema.Parse($"self, {arguments}) -> Tensor:")!, network, errors);
        Assert.Empty(errors);
        return bound!;
    }
}
