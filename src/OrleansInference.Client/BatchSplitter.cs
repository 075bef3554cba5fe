using System.Diagnostics;

using OrleansInference.Client.Routing;
using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.Client;

/// <summary>
/// Answers a request of more rows than the model takes at once in parts, on all devices that have it. A device gets its next part when it
/// has answered one, of a size in proportion to its speed and to what is left, so that all end at about the same time (guided
/// self-scheduling: C. D. Polychronopoulos, D. J. Kuck, "Guided Self-Scheduling", 1987).
/// </summary>
internal sealed class BatchSplitter
{
    /// <summary>Two parts at once, so that a device finds the next one when it has done with one.</summary>
    private const int PartsPerDevice = 2;

    /// <summary>Smaller parts than this share of a full batch cost more than they help at the end.</summary>
    private const int SmallestShare = 8;

    private readonly InferenceRequest _request;
    private readonly int _maxBatchSize;
    private readonly int _rows;
    private readonly Lock _gate = new();
    private readonly List<(int Start, InferenceResponse Response)> _parts = [];
    private readonly int[] _places;
    private int _next;
    private int _healthyLanes;

    private BatchSplitter(InferenceRequest request, int maxBatchSize, int rows)
    {
        _request = request;
        _maxBatchSize = maxBatchSize;
        _rows = rows;
        _places = new int[request.Inputs.Count];
    }

    /// <summary>Sends a part, to the target first where one is given.</summary>
    public delegate Task<InferenceResponse> Send(InferenceRequest part, Target? target, CancellationToken cancellationToken);

    public static bool IsNeeded(ModelDescriptor model, InferenceRequest request)
    {
        if (model.MaxBatchSize == 0 || model.IsDecoupled || model.IsStateful) return false;
        for (var i = 0; i < request.Inputs.Count; i++)
        {
            if (request.Inputs[i].Shape is [var rows, ..] && rows > model.MaxBatchSize) return true;
        }

        return false;
    }

    /// <param name="model">A model that batches, with a device that is ready or, as an ensemble, none at all.</param>
    /// <param name="request">A request for which <see cref="IsNeeded"/> holds.</param>
    /// <param name="maxRows">The most rows that a request may have.</param>
    /// <param name="send">Has a part answered.</param>
    /// <param name="time">Measures the devices' speed.</param>
    /// <param name="cancellationToken">Ends all parts.</param>
    /// <returns>The rows of all outputs in the request's order; null where different versions have answered parts.</returns>
    /// <exception cref="InferenceException">The first one that a part ended with, or: the request has too many rows.</exception>
    public static async Task<InferenceResponse?> RunAsync(
        PublishedModel model, InferenceRequest request, int maxRows, Send send, TimeProvider time, CancellationToken cancellationToken)
    {
        var descriptor = model.Entry.Descriptor!;
        var splitter = new BatchSplitter(request, descriptor.MaxBatchSize, CountRows(model, request, Math.Max(maxRows, descriptor.MaxBatchSize)));
        // An ensemble has no devices of its own: its members choose theirs.
        IReadOnlyList<Replica?> devices = descriptor.Ensemble is null ? [.. model.Ready] : [null];
        var shares = GetShares(devices);
        splitter._healthyLanes = devices.Count * PartsPerDevice;
        var lanes = Enumerable.Range(0, splitter._healthyLanes);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = splitter._healthyLanes, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(lanes, parallel, async (lane, token) =>
        {
            var device = lane % devices.Count;
            await splitter.RunLaneAsync(devices[device], shares[device] / PartsPerDevice, send, time, token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return splitter.Join();
    }

    /// <summary>What part of the whole each device gets: as much as its speed is of all. One that has not been measured gets the mean.</summary>
    private static double[] GetShares(IReadOnlyList<Replica?> devices)
    {
        var speeds = devices.Select(device => device?.RowsPerSecond ?? 0).ToArray();
        var mean = speeds.Where(speed => speed > 0).DefaultIfEmpty(1).Average();
        var known = speeds.Select(speed => speed > 0 ? speed : mean).ToArray();
        return [.. known.Select(speed => speed / known.Sum())];
    }

    private static int CountRows(PublishedModel model, InferenceRequest request, int maxRows)
    {
        var name = model.Entry.Id.Name;
        // Said of the whole request: its parts would name shapes that the caller has not sent.
        if (!model.Entry.Descriptor!.HasProcessing) model.Signature!.Bind(request, out _, maxRows);
        var rows = request.Inputs.Max(input => input.Shape is [var dimension, ..] ? dimension : 0);
        foreach (var input in request.Inputs)
        {
            if (input.Shape is [var others, ..] && others == rows) continue;
            throw new InferenceException(
                InferenceError.InvalidArgument,
                $"input '{input.Name}' of shape {TensorShape.Format(input.Shape)} does not match other inputs for '{name}', which have batch size {rows}");
        }

        return rows <= maxRows
            ? (int)rows
            : throw new InferenceException(InferenceError.InvalidArgument, $"inference request batch-size must be <= {maxRows} for '{name}', but it has {rows} (MaxRowsPerRequest)");
    }

    private async Task RunLaneAsync(Replica? replica, double share, Send send, TimeProvider time, CancellationToken cancellationToken)
    {
        var target = replica is null ? null : new Target(replica);
        while (TryTake(share, out var start, out var count) is { } part)
        {
            var began = time.GetTimestamp();
            var response = await send(part, target, cancellationToken).ConfigureAwait(false);
            lock (_gate)
            {
                _parts.Add((start, response));
                // Its parts are left to the others, as long as there are any.
                if (target is { IsLost: true } && --_healthyLanes > 0) return;
            }

            if (target is { IsLost: false }) target.Replica.RecordSpeed(count, time.GetElapsedTime(began));
        }
    }

    /// <returns>The next part; null where there is none.</returns>
    private InferenceRequest? TryTake(double share, out int start, out int count)
    {
        lock (_gate)
        {
            start = _next;
            var left = _rows - start;
            var smallest = Math.Min(left, Math.Max(1, _maxBatchSize / SmallestShare));
            count = Math.Min(_maxBatchSize, Math.Max(smallest, (int)Math.Ceiling(left * share)));
            if (left == 0) return null;
            _next += count;
            var inputs = new InferenceTensor[_places.Length];
            for (var i = 0; i < inputs.Length; i++) inputs[i] = TensorRows.TakeNext(_request.Inputs[i], start, count, ref _places[i]);
            return _request with { Inputs = inputs };
        }
    }

    private InferenceResponse? Join()
    {
        var parts = _parts.OrderBy(part => part.Start).Select(part => part.Response).ToList();
        Debug.Assert(parts.Count > 0, "A request that is split has rows.");
        if (parts.Any(part => part.Model != parts[0].Model)) return null;
        try
        {
            var outputs = parts[0].Outputs.Select((output, place) =>
                TensorRows.Concatenate(output.Name, [.. parts.Select(part => part.Outputs[place])], axis: 0));
            return parts[0] with { Outputs = [.. outputs], Members = JoinMembers(parts) };
        }
        catch (ArgumentException exception)
        {
            throw new InferenceException(
                InferenceError.ModelFailed, $"the answers of '{_request.Model}' to the parts of a batch of {_rows} rows: {exception.Message}", exception);
        }
    }

    /// <summary>
    /// Of each member the worst that happened to one of the parts, with how many parts it was, and the longest time. Where it was not needed for
    /// one, it may have answered for another.
    /// </summary>
    private static IReadOnlyList<MemberReport> JoinMembers(List<InferenceResponse> parts)
    {
        MemberOutcome[] fromBest = [MemberOutcome.Cancelled, MemberOutcome.Answered, MemberOutcome.Late, MemberOutcome.Failed];
        return [.. parts.SelectMany(part => part.Members).GroupBy(report => report.Member).Select(Join)];

        MemberReport Join(IGrouping<string, MemberReport> reports)
        {
            var worst = reports.MaxBy(report => Array.IndexOf(fromBest, report.Outcome))!;
            var count = reports.Count(report => report.Outcome == worst.Outcome);
            var reason = worst.Reason.Length == 0 || count == parts.Count ? worst.Reason : $"{worst.Reason} (in {count} of {parts.Count} parts)";
            return worst with { Reason = reason, Duration = reports.Max(report => report.Duration) };
        }
    }

    /// <summary>The replica that parts are meant for.</summary>
    public sealed class Target(Replica replica)
    {
        public Replica Replica => replica;

        /// <summary>Whether it was lost with a part, which another one has answered.</summary>
        public bool IsLost { get; set; }
    }
}
