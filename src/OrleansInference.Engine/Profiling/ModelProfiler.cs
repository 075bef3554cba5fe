using Microsoft.Extensions.Logging.Abstractions;

using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine.Profiling;

/// <summary>
/// Measures how fast a model's network is in this process: passes of so many rows, one behind the other, as the engine runs them.
/// What is done before and after the network, and what waiting for others costs, is not in it.
/// </summary>
public static class ModelProfiler
{
    /// <summary>As many rows are tried, where a model batches, even if its configuration admits fewer: it may admit too few.</summary>
    public const int MaxTriedBatchSize = 64;

    private const int WarmupPasses = 3;

    /// <summary>A point ends with so many passes, however short they are.</summary>
    private const int MaxPasses = 1_000_000;

    /// <exception cref="InferenceException">There is no such model, or nothing to measure of it.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">There is no such device.</exception>
    public static async Task<ModelProfile> RunAsync(ProfileOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var version = Find(new FileModelRepository(options.Models), options.Model);
        // Wrong shapes are a mistake of the caller's, which should not wait for a model to be loaded.
        ProfileInputs.Create(version.Network, 1, options.Shapes);
        using var children = new ChildProcessVerifier(time, new());
        var verifier = new RememberingVerifier(children);
        var points = new List<ProfilePoint>();
        var limit = "";
        foreach (var threads in options.Threads)
        {
            var engineOptions = new EngineOptions { Devices = [options.Device], ThreadsPerDevice = threads };
            var devices = DeviceDiscovery.Find(engineOptions);
            await using var engine = new InferenceEngine(
                devices, new ModelRuntimes(), verifier, quarantine: null, engineOptions, time, NullLogger<InferenceEngine>.Instance);
            limit = await MeasureAsync(engine, version, threads, options, points, time, cancellationToken);
        }

        return new(version.Descriptor, points, limit);
    }

    /// <summary>The batch sizes to try: the powers of two, and the largest.</summary>
    internal static IEnumerable<int> BatchSizes(int largest)
    {
        for (var size = 1; size < largest; size *= 2) yield return size;
        yield return Math.Max(1, largest);
    }

    /// <summary>The version to measure, which is the highest.</summary>
    internal static ModelVersion Find(IModelRepository repository, string model)
    {
        var publication = repository.Publications.LastOrDefault(publication => publication.Id.Name == model);
        if (publication is null)
        {
            var others = string.Join(", ", repository.Publications.Select(other => other.Id.Name).Distinct());
            throw new InferenceException(InferenceError.NotFound, $"there is no model '{model}'; those of the repository are {others}");
        }

        if (repository.Find(publication.Id) is not { } version)
            throw new InferenceException(InferenceError.NotReady, $"model '{model}' cannot be served: {publication.Reason}");
        if (version.Config.Ensemble is { } plan)
        {
            var members = string.Join(", ", plan.Steps.Select(step => $"'{step.Model}'").Distinct());
            throw new InferenceException(InferenceError.InvalidArgument, $"'{model}' is an ensemble, which has no network of its own; measure its models: {members}");
        }

        return version.Config.Iteration is null
            ? version
            : throw new InferenceException(InferenceError.InvalidArgument, $"'{model}' answers more than once, and how often depends on what it is asked");
    }

    /// <returns>Why not all batch sizes were measured; empty where they were.</returns>
    private static async Task<string> MeasureAsync(
        InferenceEngine engine,
        ModelVersion version,
        int threads,
        ProfileOptions options,
        List<ProfilePoint> points,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var (model, largest, limit) = await LoadAsync(engine, version, cancellationToken);
        await using var _ = model;
        foreach (var size in BatchSizes(largest))
        {
            var request = new InferenceRequest { Model = version.Id.Name, Inputs = ProfileInputs.Create(version.Network, size, options.Shapes) };
            try
            {
                for (var pass = 0; pass < WarmupPasses; pass++) await model.InferAsync(request, cancellationToken);
            }
            // A network may take fewer rows than it was declared for. That it takes none is another matter.
            catch (InferenceException exception) when (size > 1)
            {
                return $"{size} rows are not possible: {exception.Message}";
            }

            points.Add(await MeasureAsync(model, request, threads, size, options.Duration, time, cancellationToken));
        }

        return limit;
    }

    /// <summary>Loads it with room for more rows than it is configured for, where it can have that.</summary>
    private static async Task<(ILoadedModel Model, int Largest, string Limit)> LoadAsync(
        InferenceEngine engine, ModelVersion version, CancellationToken cancellationToken)
    {
        var device = engine.Devices[0].Name;
        var configured = version.Config.MaxBatchSize;
        if (configured is 0 or >= MaxTriedBatchSize) return (await engine.LoadAsync(Alone(version, configured), device, leave: null, cancellationToken), configured, "");
        try
        {
            return (await engine.LoadAsync(Alone(version, MaxTriedBatchSize), device, leave: null, cancellationToken), MaxTriedBatchSize, "");
        }
        catch (InferenceException exception)
        {
            var model = await engine.LoadAsync(Alone(version, configured), device, leave: null, cancellationToken);
            return (model, configured, $"{MaxTriedBatchSize} rows are not possible: {exception.Message}");
        }
    }

    /// <summary>The version with another limit, and without a batcher that might wait for more.</summary>
    private static ModelVersion Alone(ModelVersion version, int maxBatchSize) =>
        new(version.Id, version.Config with { MaxBatchSize = maxBatchSize, Batching = new() }, version.ModelFolder);

    private static async Task<ProfilePoint> MeasureAsync(
        ILoadedModel model,
        InferenceRequest request,
        int threads,
        int rows,
        TimeSpan duration,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var passes = new List<TimeSpan>();
        var started = time.GetTimestamp();
        TimeSpan total;
        do
        {
            var before = time.GetTimestamp();
            await model.InferAsync(request, cancellationToken);
            passes.Add(time.GetElapsedTime(before));
            total = time.GetElapsedTime(started);
        }
        while (total < duration && passes.Count < MaxPasses);
        return ProfilePoint.Of(threads, rows, passes, total);
    }
}

/// <summary>How fast a model is.</summary>
/// <param name="Model">The model version.</param>
/// <param name="Points">What was measured, at least one.</param>
/// <param name="Limit">Why larger batches were not measured; empty where there is no reason but that they were not to be.</param>
public sealed record ModelProfile(ModelDescriptor Model, IReadOnlyList<ProfilePoint> Points, string Limit);
