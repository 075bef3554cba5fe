using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine.Tests.Verification;

public sealed class VerificationMessageTests
{
    private const string Word = "0123456789abcdef";

    [Fact]
    public void A_message_is_found_among_whatever_a_model_prints()
    {
        Assert.Equal(
            ModelVerification.Sound(1234),
            VerificationMessage.Find($"sound 99\nno newline{VerificationMessage.Sound(Word, 1234)}sound 7\n", Word));
        Assert.Equal(
            ModelVerification.Broken("it has failed:\nbecause"),
            VerificationMessage.Find($"printed {VerificationMessage.Broken(Word, "it has failed:\nbecause")} later", Word));
    }

    [Theory]
    [InlineData("")]
    [InlineData("sound 1")]
    [InlineData("\nfedcba9876543210 sound 1 fedcba9876543210\n")]
    [InlineData("\n0123456789abcdef sound 1")]
    [InlineData("\n0123456789abcdef sound -1 0123456789abcdef\n")]
    [InlineData("\n0123456789abcdef sound 99999999999999999999 0123456789abcdef\n")]
    public void What_is_no_whole_message_says_nothing(string output) => Assert.Null(VerificationMessage.Find(output, Word));

    [Fact]
    public void A_reason_is_cut_to_what_is_read_whole()
    {
        var message = VerificationMessage.Broken(Word, new string('x', 1_000_000));

        Assert.InRange(message.Length, VerificationMessage.MaxReason, OutputTail.MaxCharacters / 2);
        Assert.Equal(new string('x', VerificationMessage.MaxReason), VerificationMessage.Find(message, Word)?.Reason);
    }

    [Fact]
    public void Words_are_made_up_anew() => Assert.NotEqual(VerificationMessage.NewWord(), VerificationMessage.NewWord());
}
