using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Numbers that JSON does not know, which the protocol's clients write all the same.</summary>
public sealed class BareNumberTests
{
    [Theory]
    [InlineData("FP16")]
    [InlineData("BF16")]
    [InlineData("FP32")]
    [InlineData("FP64")]
    public async Task Not_a_number_and_the_infinities_go_in_and_come_out_bare(string datatype)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync("identity", Bodies.OneInput(datatype, "[6]", "[[NaN, Infinity], [-Infinity,Inf ,-Inf, 1]]"));

        answer.AssertOk();
        Assert.Contains("""data":[NaN,Infinity,-Infinity,Infinity,-Infinity,1]""", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_looks_like_one_in_a_string_stays_a_string()
    {
        await using var door = await FrontDoor.StartAsync();

        await door.InferAsync("digits", """{"id":"NaN\"-Inf","inputs":[{"name":"image","datatype":"BYTES","shape":[1,2],"data":["NaN\\","Infinity"]}]}""");

        Assert.Equal(["NaN\\", "Infinity"], door.Client.TheInput.ToStrings());
        Assert.Equal("NaN\"-Inf", door.Client.TheRequest.Id);
    }

    [Theory]
    [InlineData("INT32", "[NaN]", "'NaN', is no INT32")]
    [InlineData("BOOL", "[-Infinity]", "is no BOOL")]
    [InlineData("BYTES", "[NaN]", "is no string")]
    [InlineData("FP32", "[\"NaN\"]", "is no FP32")]
    [InlineData("FP32", "[Nan]", "parse")]
    [InlineData("FP32", "[-]", "parse")]
    [InlineData("FP32", "[InfinityNaN]", "parse")]
    public async Task Elsewhere_it_is_400(string datatype, string data, string expected)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput(datatype, "[1]", data))).AssertError(400, expected);
    }
}
