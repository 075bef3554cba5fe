using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.Client.Ensembles;

/// <summary>Asks all members of an ensemble at once, and makes one answer of what has come when enough of them have answered.</summary>
internal sealed class MemberRunner(TimeProvider time)
{
    /// <summary>The part of a request's time in which members may answer that the ensemble can do without.</summary>
    private const double ShareOfDeadline = 0.9;

    /// <param name="record">The ensemble.</param>
    /// <param name="aggregation">How the answers become one.</param>
    /// <param name="request">What the members are asked.</param>
    /// <param name="ask">Asks a member.</param>
    /// <param name="context">The request that led to this one.</param>
    /// <exception cref="InferenceException">Too few have answered; the message names each that has not, and why.</exception>
    /// <exception cref="OperationCanceledException">The caller has left, or nobody waits for the answer any more.</exception>
    public async Task<(IReadOnlyList<InferenceTensor> Outputs, IReadOnlyList<MemberReport> Members)> RunAsync(
        EnsembleRecord record, Aggregation aggregation, InferenceRequest request, StepCall ask, RequestContext context)
    {
        var steps = record.Plan.Steps;
        var tensors = request.Inputs.ToDictionary(input => input.Name);
        var started = time.GetTimestamp();
        // What is not waited for any more is cancelled, and leaves its queue.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.Token);
        var calls = steps.Select(step => AskAsync(step)).ToList();
        var answers = new Answer?[steps.Count];
        var outcome = await GatherAsync(calls, answers, aggregation, FindLimit(aggregation, steps.Count, context), ending.Token).ConfigureAwait(false);
        await ending.CancelAsync().ConfigureAwait(false);

        var hasLeft = context.Token.IsCancellationRequested && !context.Deadline.HasPassed;
        var elapsed = time.GetElapsedTime(started);
        var reports = steps.Select((step, place) => Report(step, answers[place], hasLeft ? MemberOutcome.Cancelled : outcome, elapsed)).ToList();
        foreach (var report in reports) record.RecordStep(report.Member, report.Outcome, report.Duration);
        if (hasLeft) throw new OperationCanceledException(context.Token);
        var usable = steps.Zip(answers).Where(pair => pair.Second is { Failure: null }).ToList();
        if (usable.Count < aggregation.Required) throw TooFew(request.Model, aggregation, reports, answers, outcome);
        if (aggregation.Method == AggregationMethod.First) usable = [.. usable.OrderBy(pair => pair.Second!.Duration).Take(1)];
        return (
            [
                .. record.Plan.Outputs.Select(output => Aggregator.Combine(
                    aggregation,
                    output,
                    [.. usable.Select(pair => Array.Find(pair.Second!.Outputs, tensor => tensor.Name == output)!)],
                    [.. usable.Select(pair => pair.First.Weight)])),
            ],
            reports);

        async Task<Answer> AskAsync(EnsembleStep step)
        {
            try
            {
                var outputs = await ask(step, tensors, ending.Token).ConfigureAwait(false);
                var failure = !aggregation.AdmitsNaN && outputs.FirstOrDefault(NaN.IsIn) is { } tensor
                    ? new InferenceException(InferenceError.ModelFailed, $"'{step.Name}' of ensemble '{request.Model}': output '{tensor.Name}' has a NaN")
                    : null;
                return new(outputs, failure, time.GetElapsedTime(started));
            }
            catch (InferenceException exception)
            {
                return new([], exception, time.GetElapsedTime(started));
            }
            catch (OperationCanceledException)
            {
                return new([], null, time.GetElapsedTime(started)) { WasCancelled = true };
            }
        }
    }

    /// <summary>
    /// How long to wait for members that the ensemble can do without: the ensemble's own deadline, but some time before the request's, since an
    /// answer that comes with it helps nobody.
    /// </summary>
    private TimeSpan FindLimit(Aggregation aggregation, int members, RequestContext context)
    {
        var limit = aggregation.Deadline ?? Timeout.InfiniteTimeSpan;
        if (aggregation.Required == members || context.Deadline.Request.Deadline is not { } deadline) return limit;
        var left = ShareOfDeadline * (deadline - time.GetUtcNow());
        if (left < TimeSpan.Zero) left = TimeSpan.Zero;
        return limit == Timeout.InfiniteTimeSpan || left < limit ? left : limit;
    }

    /// <summary>Waits for as many answers as are needed, and as long as others may still come.</summary>
    /// <returns>What became of those that have not answered.</returns>
    private async Task<MemberOutcome> GatherAsync(
        List<Task<Answer>> calls, Answer?[] answers, Aggregation aggregation, TimeSpan limit, CancellationToken cancellationToken)
    {
        // The delay ends with the token, which is cancelled when the race is over.
        var deadline = Task.Delay(limit, time, cancellationToken);
        var failures = 0;
        var waiting = calls.Select((call, place) => (Call: (Task)call, Place: place)).ToList();
        while (waiting.Count > 0)
        {
            var next = await Task.WhenAny(waiting.Select(pair => pair.Call).Append(deadline)).ConfigureAwait(false);
            if (next == deadline) return MemberOutcome.Late;
            var place = waiting.Find(pair => pair.Call == next).Place;
            waiting.RemoveAll(pair => pair.Place == place);
            var answer = await calls[place].ConfigureAwait(false);
            if (answer.WasCancelled) return MemberOutcome.Late;
            answers[place] = answer;
            if (answer.Failure is null && aggregation.Method == AggregationMethod.First) return MemberOutcome.Cancelled;
            if (answer.Failure is not null && ++failures > calls.Count - aggregation.Required) return MemberOutcome.Cancelled;
        }

        return MemberOutcome.Answered;
    }

    private static MemberReport Report(EnsembleStep step, Answer? answer, MemberOutcome otherwise, TimeSpan elapsed) => answer switch
    {
        null => new(step.Name, otherwise, otherwise == MemberOutcome.Late ? "had not answered in time" : "was not needed any more", elapsed),
        { Failure: { } failure } => new(step.Name, MemberOutcome.Failed, failure.Message, answer.Duration),
        _ => new(step.Name, MemberOutcome.Answered, "", answer.Duration),
    };

    private static InferenceException TooFew(
        string ensemble, Aggregation aggregation, List<MemberReport> reports, Answer?[] answers, MemberOutcome outcome)
    {
        var missing = reports.Where(report => report.Outcome != MemberOutcome.Answered).ToList();
        var errors = answers
            // Where one failure was enough to give up, those that were not waited for any more are no reason.
            .Select(answer => answer is null && outcome == MemberOutcome.Late ? InferenceError.DeadlineExceeded : answer?.Failure?.Error)
            .OfType<InferenceError>()
            // The ensemble is there, whether or not its member is.
            .Select(error => error == InferenceError.NotFound ? InferenceError.NotReady : error)
            .Distinct()
            .ToList();
        var error = errors is [var only] ? only : InferenceError.ModelFailed;
        var reasons = missing.Select(report =>
            report.Outcome == MemberOutcome.Failed ? report.Reason : $"'{report.Member}' {report.Reason} ({report.Duration.TotalMilliseconds:F0} ms)");
        return new(
            error,
            $"ensemble '{ensemble}' needs {aggregation.Required} of its {reports.Count} members, but {reports.Count - missing.Count} answered: " +
            string.Join("; ", reasons));
    }

    /// <param name="Outputs">What the member gave; empty where it failed.</param>
    /// <param name="Failure">Why its answer does not count; null where it does.</param>
    /// <param name="Duration">How long it took.</param>
    private sealed record Answer(InferenceTensor[] Outputs, InferenceException? Failure, TimeSpan Duration)
    {
        public bool WasCancelled { get; init; }
    }
}
