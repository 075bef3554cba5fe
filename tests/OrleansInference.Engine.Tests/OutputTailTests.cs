using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine.Tests;

public sealed class OutputTailTests
{
    [Fact]
    public async Task What_a_process_says_is_kept_whole_up_to_the_limit()
    {
        var said = new string('x', OutputTail.MaxCharacters);

        Assert.Equal(said, await OutputTail.ReadAsync(new StringReader(said), default));
        Assert.Equal("", await OutputTail.ReadAsync(new StringReader(""), default));
    }

    [Fact]
    public async Task Of_more_than_the_limit_the_end_is_kept()
    {
        var said = new string('x', 5 * OutputTail.MaxCharacters) + "the reason";

        var tail = await OutputTail.ReadAsync(new StringReader(said), default);

        Assert.Equal(OutputTail.MaxCharacters, tail.Length);
        Assert.EndsWith("xthe reason", tail, StringComparison.Ordinal);
    }
}
