using Microsoft.Extensions.Logging.Abstractions;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests;

public sealed class IterationTests : IAsyncDisposable
{
    private readonly DeviceThread _device = new(new("test.cpu:0", DeviceKind.Cpu, 0, 1), TimeProvider.System, NullLogger.Instance);
    private readonly CountdownModel _model = new();

    public ValueTask DisposeAsync() => _device.DisposeAsync();

    [Fact]
    public async Task Each_pass_is_a_response_and_runs_on_the_answer_of_the_one_before()
    {
        var responses = await Load().InferStreamAsync(From(3), default).ToListAsync();

        Assert.Equal([2, 1, 0], responses.Select(NumberOf));
        Assert.Equal([false, false, true], responses.Select(response => response.IsFinal));
    }

    [Fact]
    public async Task A_stream_ends_after_the_most_passes_that_are_allowed()
    {
        var responses = await Load(maxSteps: 2).InferStreamAsync(From(100), default).ToListAsync();

        Assert.Equal([99, 98], responses.Select(NumberOf));
        Assert.True(responses[^1].IsFinal);
    }

    [Fact]
    public async Task Without_an_output_that_stops_it_only_the_limit_ends_a_stream()
    {
        var responses = await Load(stop: null, maxSteps: 3).InferStreamAsync(From(1), default).ToListAsync();

        Assert.Equal([0, -1, -2], responses.Select(NumberOf));
    }

    [Fact]
    public async Task Rows_that_were_asked_together_end_together_when_all_are_done()
    {
        var request = From(1) with { Inputs = [InferenceTensor.Create("FROM", new[] { 1, 3 }, 2, 1)] };

        var responses = await Load().InferStreamAsync(request, default).ToListAsync();

        Assert.Equal([[0, 2], [-1, 1], [-2, 0]], responses.Select(response => response["NUMBER"].ToArray<int>()));
    }

    [Fact]
    public async Task The_passes_of_streams_that_run_at_the_same_time_share_batches()
    {
        _model.Hold();
        var model = Load();
        var streams = Enumerable.Range(0, 5).Select(_ => model.InferStreamAsync(From(20), default).ToListAsync().AsTask()).ToArray();
        await _model.HeldAsync();
        _model.Release();

        await Task.WhenAll(streams);

        Assert.Contains(_model.BatchSizes, size => size > 1);
        Assert.True(_model.BatchSizes.Count < 100, $"{_model.BatchSizes.Count} passes for 5 streams of 20");
    }

    [Fact]
    public async Task Whoever_leaves_a_stream_ends_its_passes()
    {
        await foreach (var response in Load(stop: null, maxSteps: int.MaxValue).InferStreamAsync(From(0), default))
        {
            if (NumberOf(response) == -5) break;
        }

        Assert.Equal(5, _model.BatchSizes.Count);
    }

    [Fact]
    public async Task Only_the_outputs_that_are_asked_for_are_in_the_responses()
    {
        var responses = await Load().InferStreamAsync(From(2) with { Outputs = ["DONE"] }, default).ToListAsync();

        Assert.All(responses, response => Assert.Equal("DONE", Assert.Single(response.Outputs).Name));
        Assert.Equal(2, responses.Count);
    }

    [Fact]
    public async Task Such_a_model_refuses_to_answer_once()
    {
        var refusal = await Assert.ThrowsAsync<InferenceException>(() => Load().InferAsync(From(3), default));

        Assert.Equal(InferenceError.InvalidArgument, refusal.Error);
    }

    [Fact]
    public async Task An_answer_that_does_not_fit_the_input_that_it_is_fed_back_to_fails_the_stream()
    {
        _model.Width = 2;

        var failure = await Assert.ThrowsAsync<InferenceException>(
            async () => await Load().InferStreamAsync(From(3), default).ToListAsync());

        Assert.Equal(InferenceError.ModelFailed, failure.Error);
        Assert.Contains("'FROM', to which it is fed back, expects [-1,1]", failure.Message, StringComparison.Ordinal);
    }

    private LoadedModel Load(string? stop = "DONE", int maxSteps = 1000)
    {
        var config = new ModelConfig
        {
            Name = "countdown",
            Platform = "",
            ModelFile = "model.pt",
            MaxBatchSize = 8,
            Inputs = [new("FROM", DataType.Int32, [1], [])],
            Outputs = [new("NUMBER", DataType.Int32, [1], []), new("DONE", DataType.Bool, [1], [])],
            VersionPolicy = new(1, null),
            Batching = new() { Enabled = true },
            InstanceGroups = [],
            Preprocessing = [],
            Postprocessing = [],
            Iteration = new(new Dictionary<string, string> { ["NUMBER"] = "FROM" }, stop, maxSteps),
            Json = "",
        };
        return new(new(new("countdown", 1), config, Path.GetTempPath()), _model, new() { MaxBatchSize = 8, DefaultPolicy = new(100) }, _device, NullLogger.Instance);
    }

    private static InferenceRequest From(int number) =>
        new() { Model = "countdown", Inputs = [InferenceTensor.Create("FROM", new[] { number }, 1, 1)] };

    private static int NumberOf(InferenceResponse response) => response["NUMBER"].AsSpan<int>()[0];

    /// <summary>Takes one from each number.</summary>
    private sealed class CountdownModel : IModelInstance
    {
        private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _gate = new(true);

        public List<int> BatchSizes { get; } = [];

        public int Width { get; set; } = 1;

        public void Hold() => _gate.Reset();

        public void Release() => _gate.Set();

        public Task HeldAsync() => _held.Task;

        public BatchResult Run(IReadOnlyList<InferenceTensor[]> items)
        {
            BatchSizes.Add(items.Count);
            _held.TrySetResult();
            _gate.Wait(TimeSpan.FromSeconds(30));
            return new([.. items.Select(Step)], default, default, default);
        }

        public void Dispose() => _gate.Dispose();

        private InferenceTensor[] Step(InferenceTensor[] item)
        {
            var numbers = item[0].ToArray<int>().Select(number => number - 1).ToArray();
            return
            [
                InferenceTensor.Create("NUMBER", numbers.SelectMany(number => Enumerable.Repeat(number, Width)).ToArray(), numbers.Length, Width),
                InferenceTensor.Create("DONE", numbers.Select(number => number <= 0).ToArray(), numbers.Length, 1),
            ];
        }
    }
}
