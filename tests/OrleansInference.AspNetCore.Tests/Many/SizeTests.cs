using System.IO.Pipelines;
using System.Text;

using OrleansInference.AspNetCore.Tests.Hosting;

using static OrleansInference.AspNetCore.Tests.Many.ManyDoor;

namespace OrleansInference.AspNetCore.Tests.Many;

/// <summary>Each of many requests is held to the limits that a request by itself is held to.</summary>
public sealed class SizeTests
{
    private const int Limit = 2048;

    [Theory]
    [InlineData(true, 100_000)]
    [InlineData(true, 7)]
    [InlineData(false, 100_000)]
    [InlineData(false, 7)]
    public async Task A_request_of_exactly_the_limit_is_answered_and_one_of_a_byte_more_is_413_in_its_line(bool isArray, int chunk)
    {
        await using var door = await FrontDoor.StartAsync(Limit);
        string[] requests = [OfLength(Limit), OfLength(Limit + 1), OfLength(Limit)];

        var answer = await door.SendAsync(
            HttpMethod.Post, Route, Bodies.Chunked(Encoding.UTF8.GetBytes(isArray ? InArray(requests) : Lines(requests)), chunk));

        Assert.Equal([(0, 200), (1, 413), (2, 200)], answer.ReadStatuses());
        Assert.Contains("2048 (MaxRequestBytes)", answer.ReadLines()[1].Error(), StringComparison.Ordinal);
        Assert.Equal(0, door.Memory.Held);
    }

    [Theory]
    [InlineData("[", ",", "]")]
    [InlineData("", "\n", "")]
    public async Task A_request_that_has_no_end_is_passed_over_without_being_held(string start, string between, string end)
    {
        await using var door = await FrontDoor.StartAsync(Limit);
        var body = new Pipe();
        var answering = door.SendAsync(HttpMethod.Post, Route, new StreamContent(body.Reader.AsStream()));
        await body.Writer.WriteAsync(start + Number(1) + between + "{\"x\":\"");
        var most = 0L;
        for (var piece = 0; piece < 2000; piece++)
        {
            await body.Writer.WriteAsync(new string('x', Limit));
            most = Math.Max(most, door.Memory.Held);
        }

        await body.Writer.WriteAsync("\"}" + between + Number(2) + end);
        await body.Writer.CompleteAsync();
        var answer = await answering;

        Assert.Equal([(0, 200), (1, 413), (2, 200)], answer.ReadStatuses());
        Assert.InRange(most, 0, Limit);
        Assert.Equal(0, door.Memory.Held);
    }

    [Fact]
    public async Task A_request_that_decodes_to_more_than_the_limit_is_413_in_its_line()
    {
        await using var door = await FrontDoor.StartAsync(Limit);
        var zeros = Bodies.OneInput("FP64", "[257]", $"[{string.Join(',', Enumerable.Repeat("0", 257))}]");

        Assert.Equal([(0, 413), (1, 200)], (await door.PostAsync(Route, Lines(zeros, Number(1)))).ReadStatuses());
    }

    [Fact]
    public async Task A_request_that_does_not_fit_beside_others_is_429_in_its_line_and_a_smaller_one_is_answered()
    {
        await using var door = await FrontDoor.StartAsync(maxHeldBytes: 100_000);
        var slow = new Pipe();
        var slowAnswer = door.InferAsync("identity", Bodies.RawStream(slow.Reader.AsStream()));
        await slow.Writer.WriteAsync(new byte[80_000]);
        while (door.Memory.Held < 80_000) await Task.Yield();

        var answer = await door.PostAsync(Route, Lines(OfLength(20_001), OfLength(20_000)));

        Assert.Equal([(0, 429), (1, 200)], answer.ReadStatuses());
        Assert.Contains("MaxHeldBytes", answer.ReadLines()[0].Error(), StringComparison.Ordinal);
        Assert.Equal(80_000, door.Memory.Held);
        await slow.Writer.CompleteAsync();
        (await slowAnswer).AssertOk();
    }

    private static string OfLength(int bytes) => Number(1)[..^1].PadRight(bytes - 1) + "}";
}
