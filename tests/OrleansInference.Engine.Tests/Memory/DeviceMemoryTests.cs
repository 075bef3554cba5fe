using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Memory;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Memory;

public sealed class DeviceMemoryTests : IAsyncDisposable
{
    private static readonly Device Cpu = new("n.cpu:0", DeviceKind.Cpu, 0, 1);

    private readonly FakeTimeProvider _time = new();
    private readonly DeviceThread _device;
    private readonly DeviceMemory _memory;
    private readonly List<string> _left = [];

    public DeviceMemoryTests()
    {
        _device = new(Cpu, _time, NullLogger.Instance);
        _memory = new("n.cpu:0", 100, _time);
    }

    public ValueTask DisposeAsync() => _device.DisposeAsync();

    [Fact]
    public async Task Models_are_loaded_beside_each_other_while_there_is_room()
    {
        await AddAsync("a", 60);
        await AddAsync("b", 40);

        Assert.Equal(100, _memory.Used);
        Assert.Empty(_left);
    }

    [Fact]
    public async Task The_model_leaves_that_was_asked_longest_ago()
    {
        var a = await AddAsync("a", 40);
        await AddAsync("b", 40);
        _time.Advance(TimeSpan.FromSeconds(1));
        await a.InferAsync(Request, default);

        await AddAsync("c", 30);

        Assert.Equal(["b"], _left);
        Assert.Equal(70, _memory.Used);
    }

    [Fact]
    public async Task As_many_leave_as_it_takes()
    {
        foreach (var name in new[] { "a", "b", "c" })
        {
            await AddAsync(name, 30);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        await AddAsync("d", 70);

        Assert.Equal(["a", "b"], _left);
    }

    [Fact]
    public async Task One_that_is_to_stay_does_not_leave()
    {
        await AddAsync("pinned", 40, stays: true);
        _time.Advance(TimeSpan.FromSeconds(1));
        await AddAsync("other", 60);

        await AddAsync("third", 60);

        Assert.Equal(["other"], _left);
    }

    [Fact]
    public async Task One_that_could_not_fit_beside_those_that_stay_is_refused_at_once_and_nobody_leaves()
    {
        await AddAsync("pinned", 40, stays: true);
        await AddAsync("other", 30);

        var refusal = await Assert.ThrowsAsync<InferenceException>(() => AddAsync("big", 61, version: 2));

        Assert.Equal(InferenceError.NotReady, refusal.Error);
        Assert.Equal(
            "there is no room for model 'big' version 2: it takes 61 bytes, and device n.cpu:0 has 100 for models (DeviceMemoryBudget), " +
            "of which models that always stay (min_instances) take 40",
            refusal.Message);
        Assert.Empty(_left);
    }

    [Fact]
    public async Task A_busy_model_is_waited_for()
    {
        var model = new ScriptedModel { Gated = true };
        var busy = await AddAsync("busy", 80, model: model);
        var answer = busy.InferAsync(Request, default);
        await model.StartedAsync();

        var next = AddAsync("next", 80);
        Assert.False(next.IsCompleted);
        model.Release();
        await answer;
        await AdvanceUntilAsync(next);

        Assert.Equal(["busy"], _left);
    }

    [Fact]
    public async Task Whoever_waits_for_busy_models_gives_up_after_a_while()
    {
        var model = new ScriptedModel { Gated = true };
        var busy = await AddAsync("busy", 80, model: model);
        var answer = busy.InferAsync(Request, default);
        await model.StartedAsync();

        var refusal = await Assert.ThrowsAsync<InferenceException>(() => AdvanceUntilAsync(AddAsync("next", 80)));

        Assert.Equal(InferenceError.QueueFull, refusal.Error);
        Assert.Contains("busy for 20 s", refusal.Message, StringComparison.Ordinal);
        model.Release();
        await answer;
    }

    [Fact]
    public async Task A_model_that_will_not_leave_now_may_be_asked_again()
    {
        var (stubborn, asked) = (true, 0);
        LoadedModel? model = null;
        model = await AddAsync("stubborn", 80, leave: async () =>
        {
            asked++;
            if (!stubborn) await model!.DisposeAsync();
            stubborn = false;
        });

        await AdvanceUntilAsync(AddAsync("next", 80));

        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task One_that_never_leaves_though_it_is_idle_is_not_waited_for_any_longer()
    {
        await AddAsync("stubborn", 80, leave: () => Task.CompletedTask);

        var refusal = await Assert.ThrowsAsync<InferenceException>(() => AdvanceUntilAsync(AddAsync("next", 80)));

        Assert.Equal(InferenceError.QueueFull, refusal.Error);
    }

    [Fact]
    public async Task What_could_not_be_loaded_gives_its_room_back()
    {
        var failure = new InferenceException(InferenceError.NotReady, "the file is damaged");

        Assert.Same(failure, await Assert.ThrowsAsync<InferenceException>(
            () => _memory.LoadAsync(new("a", 1), 100, _ => Task.FromException<LoadedModel>(failure), null, default)));

        Assert.Equal(0, _memory.Used);
        await AddAsync("b", 100);
    }

    [Fact]
    public async Task Without_a_budget_nobody_leaves()
    {
        var memory = new DeviceMemory("n.cpu:0", 0, _time);

        foreach (var name in new[] { "a", "b", "c" }) await AddAsync(name, long.MaxValue / 4, memory: memory);

        Assert.Equal(3 * (long.MaxValue / 4), memory.Used);
        Assert.Empty(_left);
    }

    [Fact]
    public async Task One_is_loaded_after_the_other_so_that_none_leaves_for_one_that_is_only_waiting()
    {
        await AddAsync("first", 50);
        var loading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var second = AddAsync("second", 50, loading: loading.Task);
        var third = AddAsync("third", 50);

        Assert.Equal(100, _memory.Used);
        Assert.Empty(_left);
        loading.SetResult();
        await Task.WhenAll(second, third);
        Assert.Equal(["first"], _left);
    }

    private static InferenceRequest Request { get; } = new() { Model = "m", Inputs = [InferenceTensor.Create("x", new[] { 1 }, 1)] };

    private Task<LoadedModel> AddAsync(
        string name,
        long bytes,
        bool stays = false,
        ScriptedModel? model = null,
        Func<Task>? leave = null,
        int version = 1,
        DeviceMemory? memory = null,
        Task? loading = null)
    {
        LoadedModel? loaded = null;
        return (memory ?? _memory).LoadAsync(new(name, version), bytes, LoadAsync, stays ? null : leave ?? LeaveAsync, default);

        async Task<LoadedModel> LoadAsync(DeviceMemory.Room room)
        {
            if (loading is not null) await loading;
            return loaded = new(VersionOf(name), model ?? new(), new() { MaxBatchSize = 0, DefaultPolicy = new(100) }, _device, NullLogger.Instance, room);
        }

        async Task LeaveAsync()
        {
            _left.Add(name);
            await loaded!.DisposeAsync();
        }
    }

    private static ModelVersion VersionOf(string name) => new(
        new(name, 1),
        new()
        {
            Name = name,
            Platform = "",
            ModelFile = "model.pt",
            MaxBatchSize = 0,
            Inputs = [new("x", DataType.Int32, [1], [])],
            Outputs = [new("x", DataType.Int32, [1], [])],
            VersionPolicy = new(1, null),
            Batching = new(),
            InstanceGroups = [],
            Preprocessing = [],
            Postprocessing = [],
            Json = "",
        },
        Path.GetTempPath());

    /// <summary>Lets time go on until a task ends.</summary>
    private async Task AdvanceUntilAsync(Task task)
    {
        while (!task.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Yield();
        }

        await task;
    }
}
