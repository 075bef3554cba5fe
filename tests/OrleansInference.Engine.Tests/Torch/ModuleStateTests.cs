using OrleansInference.Engine.Torch;

namespace OrleansInference.Engine.Tests.Torch;

/// <summary>Which modules keep something from one call for the next.</summary>
public sealed class ModuleStateTests
{
    [Theory]
    [InlineData("self.count = torch.add(self.count, 1)")]
    [InlineData("sub = self.sub\nsub.count = 4")]
    [InlineData("count = self.count\n_0 = torch.add_(count, CONSTANTS.c0)")]
    [InlineData("_0 = torch.add(x, torch.add_(self.count, 1))")]
    [InlineData("cache = self.cache\n_1 = torch.slice(torch.select(cache, 0, 0))\n_2 = torch.copy_(_1, x)")]
    [InlineData("cache = self.cache\n_3 = torch.add_(torch.slice(cache, 0, 1, 3), 1)")]
    [InlineData("seen = self.seen\n_4 = torch.append(seen, x)")]
    [InlineData("_4 = torch._set_item(self.seen, 0, x)")]
    [InlineData("state = self.state\nstate0 = unchecked_cast(Tensor, state)\n_5 = torch.zero_(state0)")]
    [InlineData("_6 = getattr(self, \"0\")\n_6.count = 1")]
    [InlineData("a, b, = self.pair\n_7 = torch.mul_(b, 2)")]
    [InlineData("_8 = ops.mylib.update_(self.table, x)")]
    [InlineData("if True:\n  self.count = 1\nelse:\n  pass")]
    [InlineData("_9 = (self).remember(x, )")]
    public void What_changes_an_attribute_keeps_state(string body) => Assert.True(IsKept(body));

    [Theory]
    [InlineData("count = self.count\ncount0 = torch.add(count, 1)")]
    [InlineData("y = torch.add_(torch.mul(x, self.scale), self.count)")]
    [InlineData("_0 = torch.relu_(x)\n_1 = torch.append([x], x)")]
    [InlineData("_0 = torch.add_((self.sub).forward(x, ), 1)")]
    [InlineData("_0 = torch.__contains__(self.names, \"a\")")]
    [InlineData("training = self.training\nif training:\n  self.count = torch.add(self.count, 1)\n  y = x\nelse:\n  y = x")]
    [InlineData("d = {\"self.count = 1\": x}\nd0 = torch.mul(x, 2)")]
    public void What_only_reads_attributes_or_changes_them_in_training_keeps_none(string body) => Assert.False(IsKept(body));

    [Fact]
    public void What_stands_behind_a_block_of_training_counts_again() =>
        Assert.True(IsKept("training = self.training\nif training:\n  y = x\nelse:\n  self.count = 1"));

    [Fact]
    public void A_method_that_forward_never_calls_does_not_count() =>
        Assert.False(ModuleState.IsKept(["class M(Module):\n  def forward(self, x: Tensor) -> Tensor:\n    return x\n  def reset(self) -> NoneType:\n    self.count = 0\n    return None\n"]));

    [Fact]
    public void An_object_that_is_no_module_may_be_made_and_filled() =>
        Assert.False(ModuleState.IsKept(["class Box:\n  def __init__(self, x: Tensor) -> NoneType:\n    self.x = x\n  def forward(self) -> NoneType:\n    self.x = 1\n"]));

    [Fact]
    public void A_submodule_in_another_file_counts() => Assert.True(ModuleState.IsKept([
        "class M(Module):\n  def forward(self, x: Tensor) -> Tensor:\n    sub = self.sub\n    return (sub).step(x, )\n",
        "class Sub(Module):\n  def step(s: __torch__.Sub,\n    x: Tensor) -> Tensor:\n    n = s.n\n    s.n = torch.add_(n, 1)\n    return x\n"]));

    private static bool IsKept(string body)
    {
        var lines = string.Concat(body.Split('\n').Select(line => $"    {line}\n"));
        return ModuleState.IsKept([
            $"class M(Module):\n  count : int\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n{lines}    return x\n" +
            "  def remember(self: __torch__.M,\n    x: Tensor) -> NoneType:\n    self.count = 1\n    return None\n"]);
    }
}
