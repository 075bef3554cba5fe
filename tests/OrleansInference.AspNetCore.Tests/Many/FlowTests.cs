using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;

using Microsoft.Extensions.Time.Testing;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.AspNetCore.Tests.Hosting;

using static OrleansInference.AspNetCore.Tests.Many.ManyDoor;

namespace OrleansInference.AspNetCore.Tests.Many;

/// <summary>Requests are read, run and answered at the same time, a bounded number of them. The limits only end a test that would wait for ever.</summary>
public sealed class FlowTests
{
    private const int Limit = 60_000;

    [Fact(Timeout = Limit)]
    public async Task A_result_leaves_before_the_next_request_is_sent()
    {
        await using var door = await FrontDoor.StartAsync();
        var body = new Pipe();
        using var lines = new StreamReader(await door.OpenAsync(Route, new StreamContent(body.Reader.AsStream())));

        for (var number = 0; number < 3; number++)
        {
            await body.Writer.WriteAsync(Lines(Number(number)));
            Assert.Equal(number, (await lines.ReadJsonAsync()).Value());
        }

        await body.Writer.CompleteAsync();
        Assert.Null(await lines.ReadLineAsync());
    }

    [Theory(Timeout = Limit)]
    [InlineData("")]
    [InlineData("?order=input")]
    public async Task Results_come_in_the_order_of_the_requests(string order)
    {
        await using var door = await FrontDoor.StartAsync();
        var gates = new Gates(door.Client);
        var answering = door.PostAsync(Route + order, InArray(Number(0, "0"), Number(1, "1"), Number(2, "2")));
        foreach (var id in new[] { "2", "1", "0" })
        {
            await gates.WhenAsked(id);
            gates.Open(id);
        }

        Assert.Equal([0, 1, 2], (await answering).ReadLines().Select(line => line.Value()));
    }

    [Fact(Timeout = Limit)]
    public async Task Results_come_as_they_are_completed_where_that_is_asked_for()
    {
        await using var door = await FrontDoor.StartAsync();
        var gates = new Gates(door.Client);
        using var lines = new StreamReader(
            await door.OpenAsync(Route + "?order=completed", InArray(Number(0, "0"), "{}", Number(2, "2"), Number(3, "3"))));

        Assert.Equal((1, 400), (await lines.ReadJsonAsync()).ReadStatus());
        foreach (var id in new[] { "3", "0", "2" })
        {
            gates.Open(id);
            var line = await lines.ReadJsonAsync();
            Assert.Equal(id, $"{line.GetProperty("index")}");
            Assert.Equal(id, line.GetProperty("response").GetProperty("id").GetString());
        }

        Assert.Null(await lines.ReadLineAsync());
    }

    [Theory(Timeout = Limit)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task No_more_than_the_limit_run_at_once(int limit)
    {
        await using var door = await FrontDoor.StartAsync(maxInFlightPerCall: limit);
        var gates = new Gates(door.Client);
        string[] ids = [.. Enumerable.Range(0, 20).Select(number => $"{number}")];
        var answering = door.PostAsync(Route, Lines(ids.Select(id => Number(1, id))));
        for (var number = 0; number < limit; number++) await gates.WhenAsked(ids[number]);

        foreach (var id in ids) gates.Open(id);

        Assert.Equal(20, (await answering).ReadLines().Length);
        Assert.Equal(limit, gates.MostRunning);
    }

    [Fact(Timeout = Limit)]
    public async Task What_is_answered_but_not_written_counts_too_and_nothing_more_is_read()
    {
        const int InFlight = 4;
        await using var door = await FrontDoor.StartAsync(maxInFlightPerCall: InFlight);
        var gates = new Gates(door.Client);
        for (var number = 1; number < 1000; number++) gates.Open($"{number}");
        // Each line is larger than what a connection takes without being read.
        var body = new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        var sent = 0;
        var sending = Task.Run(async () =>
        {
            for (; sent < 1000; sent++) await body.Writer.WriteAsync(Number(1, $"{sent}").PadRight(100_000) + "\n");
            await body.Writer.CompleteAsync();
        });
        var answering = door.SendAsync(HttpMethod.Post, Route, new StreamContent(body.Reader.AsStream()));
        for (var number = 0; number < InFlight; number++) await gates.WhenAsked($"{number}");

        for (var turn = 0; turn < 1000; turn++) await Task.Yield();

        Assert.False(gates.IsAsked($"{InFlight}"));
        Assert.InRange(sent, InFlight, InFlight + 3);
        gates.Open("0");
        Assert.Equal(1000, (await answering).ReadLines().Length);
        await sending;
    }

    [Fact(Timeout = Limit)]
    public async Task A_dropped_connection_cancels_what_runs_and_starts_no_more()
    {
        await using var door = await FrontDoor.StartAsync(maxInFlightPerCall: 2);
        var gates = new Gates(door.Client);
        using var connection = new CancellationTokenSource();
        var answering = door.SendAsync(HttpMethod.Post, Route, Bodies.Json(Lines(Enumerable.Range(0, 9).Select(number => Number(1, $"{number}")))), connection.Token);
        await gates.WhenAsked("0");
        await gates.WhenAsked("1");

        await connection.CancelAsync();

        await gates.WhenCancelled("0");
        await gates.WhenCancelled("1");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answering);
        while (door.Memory.Held > 0) await Task.Yield();
        Assert.Equal(2, door.Client.Requests.Count);
    }

    [Fact(Timeout = Limit)]
    public async Task A_caller_that_leaves_in_the_middle_of_a_request_leaves_no_memory_behind()
    {
        await using var door = await FrontDoor.StartAsync();
        var gates = new Gates(door.Client);
        var body = new Pipe();
        var stream = await door.OpenAsync(Route, new StreamContent(body.Reader.AsStream()));
        await body.Writer.WriteAsync(Lines(Number(1, "0")) + "{\"inputs\":[");
        await gates.WhenAsked("0");
        while (door.Memory.Held == 0) await Task.Yield();

        await stream.DisposeAsync();

        await gates.WhenCancelled("0");
        while (door.Memory.Held > 0) await Task.Yield();
        Assert.Single(door.Client.Requests);
    }

    [Fact(Timeout = Limit)]
    public async Task A_server_that_is_shutting_down_answers_what_it_has_begun_and_ends_with_a_line_that_says_so()
    {
        await using var door = await FrontDoor.StartAsync();
        var gates = new Gates(door.Client);
        var body = new Pipe();
        using var lines = new StreamReader(await door.OpenAsync(Route, new StreamContent(body.Reader.AsStream())));
        await body.Writer.WriteAsync(Lines(Number(1, "0")));
        await gates.WhenAsked("0");

        door.Lifetime.StopApplication();
        gates.Open("0");

        Assert.Equal((0, 200), (await lines.ReadJsonAsync()).ReadStatus());
        var last = await lines.ReadJsonAsync();
        Assert.Equal((1, 503), last.ReadStatus());
        Assert.Contains("shutting down", last.Error(), StringComparison.Ordinal);
        Assert.Null(await lines.ReadLineAsync());
        (await door.PostAsync(Route, Number(1))).AssertError(503, "shutting down");
    }

    [Fact]
    public async Task Results_that_are_there_leave_together_and_never_pile_up()
    {
        const int Count = 10_000;
        var body = new CountingBody();

        var results = Enumerable.Range(0, Count).Select(index => new RequestResult(index, 400, null, "no"));

        await ResultLines.WriteAsync(body.Writer, results.ToAsyncEnumerable(), TimeProvider.System, CancellationToken.None);

        await body.Writer.FlushAsync();
        Assert.Equal(Count, Encoding.UTF8.GetString(body.Content.ToArray()).Count(character => character == '\n'));
        Assert.InRange(body.Counter.MostUnflushed, 1, 128 * 1024);
        Assert.InRange(body.Counter.Flushes, 2, Count / 100);
    }

    [Theory(Timeout = Limit)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Where_nothing_can_be_sent_or_is_taken_the_rest_is_ended_before_the_call_is(bool isBroken)
    {
        var ended = false;
        var time = new FakeTimeProvider();
        var writing = ResultLines.WriteAsync(new StuckPipe(isBroken), WaitAsync(), time, CancellationToken.None);
        time.Advance(ImpatientPipe.Patience - TimeSpan.FromTicks(1));
        if (!isBroken) Assert.False(writing.IsCompleted);

        time.Advance(TimeSpan.FromTicks(1));

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => writing);
        Assert.Equal(isBroken ? typeof(IOException) : typeof(InferenceException), failure.GetType());
        Assert.True(ended);

        async IAsyncEnumerable<RequestResult> WaitAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await cancellationToken.WhenCancelledAsync();
            for (var turn = 0; turn < 20; turn++) await Task.Yield();
            ended = true;
            yield break;
        }
    }

    [Fact(Timeout = Limit)]
    public async Task A_request_that_is_not_sent_to_its_end_is_given_up_with_what_is_held_of_it()
    {
        await using var door = await FrontDoor.StartAsync();
        var body = new Pipe();
        using var lines = new StreamReader(await door.OpenAsync(Route, new StreamContent(body.Reader.AsStream())));
        await body.Writer.WriteAsync(Lines(Number(1)) + Number(2)[..^9]);
        Assert.Equal(1, (await lines.ReadJsonAsync()).Value());
        while (door.Memory.Held == 0) await Task.Yield();

        var last = lines.ReadJsonAsync();
        while (!last.IsCompleted)
        {
            door.Time.Advance(RequestDocuments.Patience);
            await Task.Yield();
        }

        Assert.Equal((1, 504), (await last).ReadStatus());
        Assert.Null(await lines.ReadLineAsync());
        while (door.Memory.Held > 0) await Task.Yield();
    }

    [Fact(Timeout = Limit)]
    public async Task Tensors_under_way_are_held_until_they_are_answered()
    {
        await using var door = await FrontDoor.StartAsync(maxHeldBytes: 1000);
        var gates = new Gates(door.Client);
        using var lines = new StreamReader(await door.OpenAsync(Route + "?order=completed", Lines(Zeros("large"), Zeros("other"))));

        // Not before it has been refused: it would have room.
        Assert.Equal((1, 429), (await lines.ReadJsonAsync()).ReadStatus());
        Assert.Equal(800, door.Memory.Held);
        gates.Open("large");

        Assert.Equal((0, 200), (await lines.ReadJsonAsync()).ReadStatus());
        Assert.Null(await lines.ReadLineAsync());
        Assert.Equal(0, door.Memory.Held);
    }

    /// <summary>A request whose tensor has 800 bytes.</summary>
    private static string Zeros(string id) =>
        $$"""{"id":"{{id}}","inputs":[{"name":"INPUT0","datatype":"FP32","shape":[200],"data":[{{string.Join(',', new int[200])}}]}]}""";

    /// <summary>Sends nothing: it fails, or has never room.</summary>
    private sealed class StuckPipe(bool isBroken) : PipeWriter
    {
        public override void Advance(int bytes) => throw new NotSupportedException();

        public override void CancelPendingFlush() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null) => throw new NotSupportedException();

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => isBroken
            ? throw new IOException("broken")
            : new(new TaskCompletionSource<FlushResult>().Task.WaitAsync(cancellationToken));

        public override Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException();

        public override Span<byte> GetSpan(int sizeHint = 0) => throw new NotSupportedException();
    }
}
