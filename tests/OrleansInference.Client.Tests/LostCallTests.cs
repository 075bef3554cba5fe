using System.Runtime.CompilerServices;

using OrleansInference.Ensembles;
using OrleansInference.Tensors;

using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests;

/// <summary>Calls that are lost without a word: with a silo that is killed or hangs, or with a connection on the way.</summary>
public sealed class LostCallTests
{
    private static readonly string[] Two = ["a.cpu:0", "b.cpu:0"];

    [Fact]
    public async Task A_silo_that_neither_answers_nor_says_what_it_has_is_given_up_after_a_second_or_so()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: Two)]);
        var silent = harness.Silence();
        var began = harness.Time.GetUtcNow();

        var instance = (await harness.AdvanceAsync(harness.Client.InferAsync(ClientHarness.Request))).Outputs;

        Assert.NotNull(instance);
        Assert.Equal(2, harness.Grains.Asked.Count);
        Assert.EndsWith(silent(), harness.Grains.Asked[0], StringComparison.Ordinal);
        Assert.InRange(harness.Time.GetUtcNow() - began, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task It_is_not_asked_again_before_it_has_said_that_it_is_there()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: Two)]);
        var silent = harness.Silence();
        await harness.AdvanceAsync(harness.Client.InferAsync(ClientHarness.Request));
        var lost = harness.Grains.Asked[0];

        for (var i = 0; i < 20; i++) await harness.Client.InferAsync(ClientHarness.Request);
        Assert.Equal(1, harness.Grains.Asked.Count(asked => asked == lost));

        harness.Grains.OnFindLost = (_, _) => Task.FromResult(Array.Empty<long>());
        harness.Grains.OnInfer = (instance, request, _) => Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs });
        while (harness.Grains.Asked.Count(asked => asked == lost) < 2)
        {
            harness.Time.Advance(TimeSpan.FromMilliseconds(100));
            await harness.Client.InferAsync(ClientHarness.Request);
        }
    }

    [Fact]
    public async Task What_was_sent_to_it_shortly_before_it_was_asked_is_given_up_with_the_rest()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "a.cpu:0")]);
        var isSilent = true;
        harness.Grains.OnInfer = (instance, request, token) => isSilent
            ? harness.HangAsync(token)
            : Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs });
        harness.Grains.OnFindLost = (_, _) => isSilent ? new TaskCompletionSource<long[]>().Task : Task.FromResult(Array.Empty<long>());
        var first = harness.Client.InferAsync(ClientHarness.Request);
        await harness.PassAsync(TimeSpan.FromMilliseconds(400));
        var second = harness.Client.InferAsync(ClientHarness.Request);
        await harness.PassAsync(TimeSpan.FromMilliseconds(400));
        isSilent = false;

        await harness.AdvanceAsync(first);
        await harness.PassAsync(TimeSpan.FromMilliseconds(100));

        Assert.True(second.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Calls_that_the_runtime_cancels_by_itself_are_made_anew()
    {
        await using var harness = await ClientHarness.StartAsync(
            [PublishedModels.Ensemble("m", PublishedModels.Members(new() { Method = AggregationMethod.Mean, Required = 1 }, "n"), hasProcessing: true), PublishedModels.Network("n", devices: Two)]);
        var (isPrepared, isAsked, isStreamed) = (false, false, false);
        harness.Grains.OnPreprocess = (request, _) => TakeOnce(ref isPrepared) ? throw new OperationCanceledException() : Task.FromResult(request);
        harness.Grains.OnInfer = (instance, _, _) =>
            TakeOnce(ref isAsked) ? throw new OperationCanceledException() : Task.FromResult(PublishedModels.Answer(instance, 1));
        harness.Grains.OnInferStream = (instance, _, _) => StreamAsync(instance);

        await harness.AdvanceAsync(harness.Client.InferAsync(PublishedModels.Ask("m", 1)));
        Assert.Single(await harness.AdvanceAsync(harness.Client.InferStreamAsync(PublishedModels.Ask("n", 1)).ToListAsync().AsTask()));

        Assert.True(isPrepared && isAsked && isStreamed);

        static bool TakeOnce(ref bool isTaken) => !isTaken && (isTaken = true);

        async IAsyncEnumerable<InferenceResponse> StreamAsync(ModelInstanceId instance)
        {
            await Task.Yield();
            if (TakeOnce(ref isStreamed)) throw new OperationCanceledException();
            yield return PublishedModels.Answer(instance, 1);
        }
    }

    [Fact]
    public async Task A_call_that_its_grain_does_not_have_is_made_anew()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: Two)]);
        var calls = new List<long>();
        harness.Grains.OnInfer = (instance, request, token) =>
        {
            calls.Add(request.CallId);
            return calls.Count == 1
                ? harness.HangAsync(token)
                : Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs });
        };
        harness.Grains.OnFindLost = (_, asked) => Task.FromResult(asked);

        await harness.AdvanceAsync(harness.Client.InferAsync(ClientHarness.Request));

        Assert.Equal(2, calls.Distinct().Count());
        Assert.DoesNotContain(0, calls);
        Assert.NotEqual(harness.Grains.Asked[0], harness.Grains.Asked[1]);
    }

    [Fact]
    public async Task A_call_that_its_grain_still_has_is_waited_for()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: Two)]);
        var answer = new TaskCompletionSource<InferenceResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        harness.Grains.OnInfer = (_, _, _) => answer.Task;
        var asked = 0;
        harness.Grains.OnFindLost = (_, _) =>
        {
            asked++;
            return Task.FromResult(Array.Empty<long>());
        };

        var call = harness.Client.InferAsync(ClientHarness.Request);
        while (asked < 20)
        {
            harness.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        Assert.False(call.IsCompleted);
        answer.SetResult(new() { Model = new("m", 1), Outputs = [] });
        await call;
        Assert.Single(harness.Grains.Asked);
    }

    [Fact]
    public async Task What_was_lost_leaves_a_grain_that_only_seemed_to_be_gone()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: Two)]);
        var left = new TaskCompletionSource();
        harness.Silence(left.SetResult);

        await harness.AdvanceAsync(harness.Client.InferAsync(ClientHarness.Request));

        await left.Task;
    }

    [Fact]
    public async Task Where_all_devices_are_lost_the_request_goes_to_those_that_take_their_place()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "a.cpu:0")]);
        harness.Grains.OnInfer = (instance, request, _) =>
        {
            if (instance.Device == "b.cpu:0") return Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs });
            if (harness.Grains.Asked.Count == 1) harness.Grains.Publish(Model("m", state: ModelState.Loading, devices: "b.cpu:0"));
            return Task.FromException<InferenceResponse>(new SiloUnavailableException("gone"));
        };

        var call = harness.Client.InferAsync(ClientHarness.Request);
        while ((await harness.Client.GetModelAsync("m")).State != ModelState.Loading) await Task.Yield();
        harness.Grains.Publish(Model("m", devices: "b.cpu:0"));

        await harness.AdvanceAsync(call);
        Assert.Equal("m@1/b.cpu:0", harness.Grains.Asked[^1]);
    }

    [Fact]
    public async Task So_do_requests_that_come_while_it_is_being_loaded_there()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "a.cpu:0")]);
        harness.Grains.OnInferStream = (instance, request, _) => AnswerAsync(instance, request);
        await PublishAsync(harness, Model("m", state: ModelState.Unavailable));
        await PublishAsync(harness, Model("m", state: ModelState.Loading, devices: "b.cpu:0"));

        var call = harness.Client.InferAsync(ClientHarness.Request);
        var stream = harness.Client.InferStreamAsync(ClientHarness.Request).ToListAsync().AsTask();
        await harness.PassAsync(TimeSpan.FromSeconds(5));

        Assert.False(call.IsCompleted || stream.IsCompleted);
        harness.Grains.Publish(Model("m", devices: "b.cpu:0"));
        Assert.Equal("m", (await harness.AdvanceAsync(call)).Model.Name);
        Assert.Single(await harness.AdvanceAsync(stream));
        Assert.Equal(["m@1/b.cpu:0", "m@1/b.cpu:0"], harness.Grains.Asked);

        static async IAsyncEnumerable<InferenceResponse> AnswerAsync(ModelInstanceId instance, InferenceRequest request)
        {
            await Task.Yield();
            yield return new() { Model = instance.Model, Outputs = request.Inputs };
        }
    }

    [Fact]
    public async Task Its_description_can_be_had_meanwhile_so_that_requests_can_be_read()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "a.cpu:0"), Model("new", state: ModelState.Loading)]);
        await PublishAsync(harness, Model("m", state: ModelState.Loading), Model("new", state: ModelState.Loading));

        Assert.Equal("m", (await harness.Client.GetDescriptorAsync("m")).Id.Name);

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.GetDescriptorAsync("new").AsTask());
        Assert.Equal(InferenceError.NotReady, failure.Error);
    }

    [Fact]
    public async Task Those_for_whom_there_is_no_room_to_wait_are_told_at_once()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "a.cpu:0")], ("MaxInFlight", "8"));
        await PublishAsync(harness, Model("m", state: ModelState.Loading));
        var waiting = Enumerable.Range(0, 2).Select(_ => harness.Client.InferAsync(ClientHarness.Request)).ToList();

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(ClientHarness.Request));

        Assert.Equal(InferenceError.NotReady, failure.Error);
        Assert.DoesNotContain(waiting, call => call.IsCompleted);
        harness.Grains.Publish(Model("m", devices: "b.cpu:0"));
        foreach (var call in waiting) await harness.AdvanceAsync(call);
    }

    [Fact]
    public async Task Their_deadlines_end_their_wait()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "a.cpu:0")]);
        await PublishAsync(harness, Model("m", state: ModelState.Loading));
        var request = ClientHarness.Request with { Deadline = harness.Time.GetUtcNow().AddSeconds(3) };

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.AdvanceAsync(harness.Client.InferAsync(request)));

        Assert.Equal(InferenceError.DeadlineExceeded, failure.Error);
    }

    [Fact]
    public async Task A_model_that_does_not_come_back_is_not_waited_for_for_ever()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "a.cpu:0")]);
        await PublishAsync(harness, Model("m", state: ModelState.Loading));
        var began = harness.Time.GetUtcNow();

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.AdvanceAsync(harness.Client.InferAsync(ClientHarness.Request)));

        Assert.Equal(InferenceError.NotReady, failure.Error);
        Assert.InRange(harness.Time.GetUtcNow() - began, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(25));
        failure = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(ClientHarness.Request));
        Assert.Equal(InferenceError.NotReady, failure.Error);
    }

    [Fact]
    public async Task Nor_is_one_that_was_never_there()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", state: ModelState.Loading)]);

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(ClientHarness.Request));

        Assert.Equal(InferenceError.NotReady, failure.Error);
    }

    [Fact]
    public async Task A_silo_that_answers_other_calls_gets_more_time_to_say_what_it_has()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: ["a.cpu:0", "a.cpu:1"])]);
        var answersAll = false;
        harness.Grains.OnInfer = (instance, request, token) => answersAll
            ? Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs })
            : harness.HangAsync(token);
        harness.Grains.OnFindLost = (_, _) => new TaskCompletionSource<long[]>().Task;
        var began = harness.Time.GetUtcNow();

        var call = harness.Client.InferAsync(ClientHarness.Request);
        answersAll = true;
        while (!call.IsCompleted)
        {
            await harness.PassAsync(TimeSpan.FromMilliseconds(50));
            await harness.Client.InferAsync(ClientHarness.Request);
        }

        await call;
        Assert.InRange(harness.Time.GetUtcNow() - began, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_large_request_gets_the_time_that_it_takes_to_arrive()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: Two)]);
        harness.Silence();
        var request = ClientHarness.Request with { Inputs = [InferenceTensor.Create("x", new float[25_000_000 / sizeof(float)])] };
        var began = harness.Time.GetUtcNow();

        await harness.AdvanceAsync(harness.Client.InferAsync(request));

        Assert.InRange(harness.Time.GetUtcNow() - began, TimeSpan.FromSeconds(2.5), TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task Where_nothing_takes_their_place_the_request_fails_as_unavailable_in_the_end()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: Two)]);
        harness.Grains.OnInfer = (_, _, _) => throw new SiloUnavailableException("gone");
        var began = harness.Time.GetUtcNow();

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.AdvanceAsync(harness.Client.InferAsync(ClientHarness.Request)));

        Assert.Equal(InferenceError.Unavailable, failure.Error);
        Assert.InRange(harness.Time.GetUtcNow() - began, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(25));
    }

    [Fact]
    public async Task The_deadline_ends_the_search_as_it_ends_everything()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: Two)]);
        harness.Grains.OnInfer = (_, _, _) => throw new SiloUnavailableException("gone");
        var request = ClientHarness.Request with { Deadline = harness.Time.GetUtcNow().AddSeconds(3) };

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.AdvanceAsync(harness.Client.InferAsync(request)));

        Assert.Equal(InferenceError.DeadlineExceeded, failure.Error);
    }

    [Fact]
    public async Task A_device_that_has_too_much_to_do_refuses_and_another_answers()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: Two)]);
        string? full = null;
        harness.Grains.OnInfer = (instance, request, _) =>
            (full ??= instance.Device) == instance.Device
                ? throw new InferenceException(InferenceError.QueueFull, "full")
                : Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs });

        await harness.Client.InferAsync(ClientHarness.Request);

        Assert.Equal(2, harness.Grains.Asked.Distinct().Count());
    }

    [Fact]
    public async Task Where_all_devices_refuse_the_first_refusal_stands_and_each_was_asked_once()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: ["a.cpu:0", "b.cpu:0", "c.cpu:0"])]);
        harness.Grains.OnInfer = (instance, _, _) => throw new InferenceException(InferenceError.QueueFull, $"{instance.Device} is full");

        var refusal = await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(ClientHarness.Request));

        Assert.Equal(InferenceError.QueueFull, refusal.Error);
        Assert.Equal($"{ModelInstanceId.Parse(harness.Grains.Asked[0]).Device} is full", refusal.Message);
        Assert.Equal(["m@1/a.cpu:0", "m@1/b.cpu:0", "m@1/c.cpu:0"], harness.Grains.Asked.Order());
    }

    [Fact]
    public async Task Three_devices_that_refuse_are_enough()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: ["a.cpu:0", "b.cpu:0", "c.cpu:0", "d.cpu:0", "e.cpu:0"])]);
        harness.Grains.OnInfer = (_, _, _) => throw new InferenceException(InferenceError.QueueFull, "full");

        await Assert.ThrowsAsync<InferenceException>(() => harness.Client.InferAsync(ClientHarness.Request));

        Assert.Equal(3, harness.Grains.Asked.Distinct().Count());
        Assert.Equal(3, harness.Grains.Asked.Count);
    }

    [Fact]
    public async Task A_member_of_an_ensemble_that_is_being_loaded_elsewhere_is_waited_for()
    {
        var ensemble = PublishedModels.Ensemble("e", PublishedModels.Members(new() { Method = AggregationMethod.Mean, Required = 1 }, "n"));
        await using var harness = await ClientHarness.StartAsync([ensemble, PublishedModels.Network("n", devices: "a.cpu:0")]);
        harness.Grains.OnInfer = (instance, _, _) =>
        {
            if (instance.Device == "b.cpu:0") return Task.FromResult(PublishedModels.Answer(instance, 1));
            if (harness.Grains.Asked.Count == 1) harness.Grains.Publish(ensemble, Model("n", state: ModelState.Loading, devices: "b.cpu:0"));
            return Task.FromException<InferenceResponse>(new SiloUnavailableException("gone"));
        };

        var call = harness.Client.InferAsync(PublishedModels.Ask("e", 1));
        while ((await harness.Client.GetModelAsync("n")).State != ModelState.Loading) await Task.Yield();
        await harness.PassAsync(TimeSpan.FromSeconds(1));

        Assert.False(call.IsCompleted);
        harness.Grains.Publish(ensemble, PublishedModels.Network("n", devices: "b.cpu:0"));

        var answer = await harness.AdvanceAsync(call);
        Assert.Equal([1f], answer["y"].ToArray<float>());
    }

    [Fact]
    public async Task A_stream_that_has_begun_is_given_up_after_some_silences_and_not_after_one()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: "a.cpu:0")]);
        var inquiries = 0;
        harness.Grains.OnFindLost = (_, _) =>
        {
            Interlocked.Increment(ref inquiries);
            return new TaskCompletionSource<long[]>().Task;
        };
        harness.Grains.OnInferStream = (instance, _, token) => StreamAsync(instance, token);
        await using var responses = harness.Client.InferStreamAsync(ClientHarness.Request).GetAsyncEnumerator();
        Assert.True(await responses.MoveNextAsync());

        var failure = await Assert.ThrowsAsync<InferenceException>(() => harness.AdvanceAsync(responses.MoveNextAsync().AsTask()));

        Assert.Equal(InferenceError.Unavailable, failure.Error);
        Assert.InRange(inquiries, 4, 5);

        async IAsyncEnumerable<InferenceResponse> StreamAsync(ModelInstanceId instance, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            yield return new() { Model = instance.Model, Outputs = [], IsFinal = false };
            yield return await harness.HangAsync(cancellationToken);
        }
    }

    [Fact]
    public async Task A_stream_that_is_lost_before_it_has_begun_begins_elsewhere()
    {
        await using var harness = await ClientHarness.StartAsync([Model("m", devices: Two)]);
        harness.Silence();
        harness.Grains.OnInferStream = (instance, request, token) => StreamAsync(harness.Grains.OnInfer(instance, request, token));

        var response = Assert.Single(await harness.AdvanceAsync(harness.Client.InferStreamAsync(ClientHarness.Request).ToListAsync().AsTask()));

        Assert.True(response.IsFinal);
        Assert.Equal(2, harness.Grains.Asked.Distinct().Count());

        static async IAsyncEnumerable<InferenceResponse> StreamAsync(Task<InferenceResponse> response)
        {
            yield return await response;
        }
    }

    [Fact]
    public async Task A_worker_that_is_lost_is_replaced_by_another()
    {
        await using var harness = await ClientHarness.StartAsync(
            [PublishedModels.Ensemble("m", PublishedModels.Members(new() { Method = AggregationMethod.Mean, Required = 1 }, "n"), hasProcessing: true), PublishedModels.Network("n")]);
        var calls = 0;
        harness.Grains.OnPreprocess = async (request, token) =>
        {
            if (++calls == 1) await harness.HangAsync(token);
            return request;
        };
        harness.Grains.OnFindLostByWorker = asked => Task.FromResult(asked);
        harness.Grains.OnInfer = (instance, _, _) => Task.FromResult(PublishedModels.Answer(instance, 1));

        await harness.AdvanceAsync(harness.Client.InferAsync(PublishedModels.Ask("m", 1)));

        Assert.Equal(2, calls);
    }

    private static async Task PublishAsync(ClientHarness harness, params ModelEntry[] models)
    {
        harness.Grains.Publish(models);
        while ((await harness.Client.GetModelAsync(models[0].Id.Name)).State != models[0].State) await Task.Yield();
    }
}
