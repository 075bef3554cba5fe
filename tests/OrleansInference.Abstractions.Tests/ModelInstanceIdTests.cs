namespace OrleansInference.Abstractions.Tests;

public sealed class ModelInstanceIdTests
{
    [Fact]
    public void A_key_reads_back_as_the_instance_it_was_made_of()
    {
        var instance = new ModelInstanceId(new("digits", 12), "node-1.example.cuda:3");

        Assert.Equal("digits@12/node-1.example.cuda:3", instance.ToString());
        Assert.Equal(instance, ModelInstanceId.Parse(instance.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("digits")]
    [InlineData("digits@1")]
    [InlineData("digits@1/")]
    [InlineData("@1/node.cpu:0")]
    [InlineData("digits@x/node.cpu:0")]
    [InlineData("digits@-1/node.cpu:0")]
    public void Any_other_key_is_refused_by_its_text(string key) =>
        Assert.Contains($"'{key}'", Assert.Throws<FormatException>(() => ModelInstanceId.Parse(key)).Message, StringComparison.Ordinal);
}
