using System.Collections.Concurrent;

using Microsoft.Extensions.Logging;

using OrleansInference.Client.Routing;
using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.Client.Ensembles;

/// <summary>Answers a request to an ensemble by asking the models that it consists of.</summary>
internal sealed class EnsembleRunner(ModelCaller caller, TimeProvider time, ILogger logger)
{
    private readonly MemberRunner _members = new(time);

    /// <param name="context">The request that led to this one.</param>
    /// <param name="model">The ensemble.</param>
    /// <param name="record">What this process knows of it.</param>
    /// <param name="request">No more rows than the ensemble takes at once.</param>
    /// <exception cref="InferenceException">Any of its codes, naming the step.</exception>
    /// <exception cref="OperationCanceledException">The caller has left, or the call is not needed any more.</exception>
    public async Task<InferenceResponse> RunAsync(
        RequestContext context, PublishedModel model, EnsembleRecord record, InferenceRequest request)
    {
        var started = time.GetTimestamp();
        var rows = 0;
        record.Begin();
        try
        {
            var response = await AnswerAsync(context, model, record, request).ConfigureAwait(false);
            rows = model.Signature!.MaxBatchSize > 0 ? (int)request.Inputs[0].Shape[0] : 1;
            return response;
        }
        catch (OperationCanceledException) when (context.Deadline.HasPassed)
        {
            throw context.Deadline.Exceeded(model.Entry.Id.Name);
        }
        finally
        {
            record.End(rows, time.GetElapsedTime(started), time.GetUtcNow());
        }
    }

    private async Task<InferenceResponse> AnswerAsync(
        RequestContext context, PublishedModel model, EnsembleRecord record, InferenceRequest request)
    {
        var processes = model.Entry.Descriptor!.HasProcessing;
        var id = model.Entry.Id;
        var prepared = processes
            ? await caller.ProcessAsync(
                request.Inputs, id, (worker, call, token) => worker.PreprocessAsync(request with { CallId = call }, id, token), context.Token).ConfigureAwait(false)
            : request with { Inputs = model.Signature!.Bind(request, out _) };
        var nested = new ConcurrentQueue<MemberReport>();
        var (outputs, members) = record.Plan.Aggregation is { } aggregation
            ? await _members.RunAsync(record, aggregation, prepared, Ask, context).ConfigureAwait(false)
            : (await PipelineRunner.RunAsync(record.Plan, prepared, Ask, context.Token).ConfigureAwait(false), []);
        var response = new InferenceResponse { Model = id, Outputs = outputs, Members = [.. members, .. nested] };
        if (!processes) return response with { Outputs = ModelSignature.Select(request, outputs) };
        // What came in has done its part, and need not travel again.
        var asked = request with { Inputs = [] };
        return await caller.ProcessAsync(
            outputs, id, (worker, call, token) => worker.PostprocessAsync(asked with { CallId = call }, response, id, token), context.Token).ConfigureAwait(false);

        Task<InferenceTensor[]> Ask(EnsembleStep step, IReadOnlyDictionary<string, InferenceTensor> tensors, CancellationToken cancellationToken) =>
            AskAsync(context with { Token = cancellationToken }, model, record, step, prepared, tensors, nested);
    }

    /// <summary>Asks the model of a step.</summary>
    /// <param name="context">The request that led to this one.</param>
    /// <param name="ensemble">The ensemble.</param>
    /// <param name="record">What this process knows of it.</param>
    /// <param name="step">The step.</param>
    /// <param name="request">The request to the ensemble.</param>
    /// <param name="tensors">The ensemble's tensors that are there, by name.</param>
    /// <param name="nested">Takes what the step, where it is an ensemble itself, says of its members.</param>
    /// <returns>What the step gives, under the names of the ensemble's tensors.</returns>
    private async Task<InferenceTensor[]> AskAsync(
        RequestContext context,
        PublishedModel ensemble,
        EnsembleRecord record,
        EnsembleStep step,
        InferenceRequest request,
        IReadOnlyDictionary<string, InferenceTensor> tensors,
        ConcurrentQueue<MemberReport> nested)
    {
        var places = record.FindPlaces(step.Name);
        if (places is not null) await places.WaitAsync(context.Token).ConfigureAwait(false);
        var started = time.GetTimestamp();
        var outcome = MemberOutcome.Failed;
        try
        {
            var descriptor = context.Models.Find(step.Model, step.Version).Entry.GetReadyDescriptor();
            var outputs = step.MapOutputs(record.Plan);
            var answer = await caller.InferAsync(context, new()
            {
                Model = step.Model,
                Version = step.Version,
                Id = request.Id,
                Inputs = [.. step.MapInputs(descriptor, tensors.ContainsKey).Select(pair => tensors[pair.Value].Rename(pair.Key))],
                Outputs = [.. outputs.Keys],
                Deadline = context.Deadline.Request.Deadline,
                Priority = request.Priority,
                RoutingKey = request.RoutingKey,
            }).ConfigureAwait(false);
            outcome = MemberOutcome.Answered;
            foreach (var report in answer.Members) nested.Enqueue(report with { Member = $"{step.Name}/{report.Member}" });
            return [.. answer.Outputs.Select(output => output.Rename(outputs[output.Name]))];
        }
        catch (OperationCanceledException) when (context.Token.IsCancellationRequested)
        {
            outcome = MemberOutcome.Cancelled;
            throw;
        }
        catch (InferenceException known)
        {
            throw new InferenceException(known.Error, $"{Describe(step)} of ensemble '{ensemble.Entry.Id.Name}': {known.Message}", known);
        }
        catch (Exception exception)
        {
            // What is not ours to explain is for the log.
            Log.StepFailed(logger, exception, step.Name, ensemble.Entry.Id);
            throw new InferenceException(InferenceError.ModelFailed, $"{Describe(step)} of ensemble '{ensemble.Entry.Id.Name}' has failed", exception);
        }
        finally
        {
            // Whether a member's answer counts is known when all are gathered.
            if (record.Plan.Aggregation is null) record.RecordStep(step.Name, outcome, time.GetElapsedTime(started));
            places?.Release();
        }
    }

    private static string Describe(EnsembleStep step) => step.Name == step.Model ? $"'{step.Name}'" : $"'{step.Name}' (model '{step.Model}')";
}

/// <summary>Asks the model of a step for what it gives, under the names of the ensemble's tensors.</summary>
internal delegate Task<InferenceTensor[]> StepCall(
    EnsembleStep step, IReadOnlyDictionary<string, InferenceTensor> tensors, CancellationToken cancellationToken);
