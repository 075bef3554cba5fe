using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests;

public sealed class InferStreamTests
{
    [Fact]
    public async Task Responses_come_up_to_the_final_one()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        harness.Grains.OnInferStream = (instance, _, _) => RespondAsync(instance, 3);

        var responses = await harness.Client.InferStreamAsync(ClientHarness.Request).ToListAsync();

        Assert.Equal([false, false, true], responses.Select(response => response.IsFinal));
    }

    [Fact]
    public async Task A_device_that_is_lost_before_the_first_response_is_replaced_by_another()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: ["a.cpu:0", "b.cpu:0"])]);
        ModelInstanceId? lost = null;
        harness.Grains.OnInferStream = (instance, _, _) =>
            (lost ??= instance) == instance ? FailAsync(instance, 0, new SiloUnavailableException("gone")) : RespondAsync(instance, 2);

        var responses = await harness.Client.InferStreamAsync(ClientHarness.Request).ToListAsync();

        Assert.Equal(2, responses.Count);
        Assert.Equal(2, harness.Grains.Asked.Count);
    }

    [Fact]
    public async Task A_device_that_is_lost_afterwards_ends_the_stream()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: ["a.cpu:0", "b.cpu:0"])]);
        harness.Grains.OnInferStream = (instance, _, _) => FailAsync(instance, 1, new SiloUnavailableException("gone"));
        var received = 0;

        var failure = await Assert.ThrowsAsync<InferenceException>(async () =>
        {
            await foreach (var response in harness.Client.InferStreamAsync(ClientHarness.Request)) received++;
        });

        Assert.Equal((1, InferenceError.Unavailable), (received, failure.Error));
        Assert.Single(harness.Grains.Asked);
    }

    [Fact]
    public async Task The_deadline_covers_the_whole_stream()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        harness.Grains.OnInferStream = (instance, _, token) => WaitAsync(instance, token);
        var request = ClientHarness.Request with { Deadline = harness.Time.GetUtcNow() + TimeSpan.FromSeconds(5) };
        var received = 0;

        var failure = await Assert.ThrowsAsync<InferenceException>(async () =>
        {
            await foreach (var response in harness.Client.InferStreamAsync(request))
            {
                received++;
                harness.Time.Advance(TimeSpan.FromSeconds(3));
            }
        });

        Assert.Equal((2, InferenceError.DeadlineExceeded), (received, failure.Error));
    }

    [Fact]
    public async Task A_deadline_that_passes_before_the_cluster_has_answered_is_said_to_have_passed()
    {
        await using var harness = await ClientHarness.StartAsync([]);
        var request = ClientHarness.Request with { Deadline = harness.Time.GetUtcNow() + TimeSpan.FromSeconds(1) };

        var stream = harness.Client.InferStreamAsync(request).ToListAsync().AsTask();
        harness.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(InferenceError.DeadlineExceeded, (await Assert.ThrowsAsync<InferenceException>(() => stream)).Error);
    }

    [Fact]
    public async Task A_device_that_is_lost_is_not_described_by_the_clusters_own_addresses()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")]);
        harness.Grains.OnInferStream = (instance, _, _) => FailAsync(instance, 0, new SiloUnavailableException("S127.0.0.1:11111:1"));

        var failure = await Assert.ThrowsAsync<InferenceException>(
            () => harness.AdvanceAsync(harness.Client.InferStreamAsync(ClientHarness.Request).ToListAsync().AsTask()));

        Assert.Equal("model 'm' version 1 has no device that answers: it cannot be reached", failure.Message);
    }

    [Fact]
    public async Task A_stream_counts_as_in_flight_until_it_is_left()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "n.cpu:0")], ("MaxInFlight", "1"));
        harness.Grains.OnInferStream = (instance, _, _) => RespondAsync(instance, 10);

        await foreach (var response in harness.Client.InferStreamAsync(ClientHarness.Request))
        {
            var refusal = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(ClientHarness.Request));
            Assert.Equal(InferenceError.QueueFull, refusal.Error);
            break;
        }

        await harness.Client.InferAsync(ClientHarness.Request);
    }

    private static async IAsyncEnumerable<InferenceResponse> RespondAsync(ModelInstanceId instance, int count)
    {
        for (var i = 1; i <= count; i++)
        {
            await Task.Yield();
            yield return new() { Model = instance.Model, Outputs = [], IsFinal = i == count };
        }
    }

    private static async IAsyncEnumerable<InferenceResponse> FailAsync(ModelInstanceId instance, int after, Exception exception)
    {
        for (var i = 0; i < after; i++) yield return new() { Model = instance.Model, Outputs = [], IsFinal = false };
        await Task.FromException(exception);
    }

    /// <summary>Two responses, and then nothing until the caller has had enough.</summary>
    private static async IAsyncEnumerable<InferenceResponse> WaitAsync(
        ModelInstanceId instance, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var i = 0; i < 2; i++) yield return new() { Model = instance.Model, Outputs = [], IsFinal = false };
        await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
    }
}
