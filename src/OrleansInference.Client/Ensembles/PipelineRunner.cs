using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.Client.Ensembles;

/// <summary>Runs the steps of a pipeline, each as soon as its inputs are there.</summary>
internal static class PipelineRunner
{
    /// <param name="plan">The steps, each behind those whose outputs it takes.</param>
    /// <param name="request">The pipeline's inputs.</param>
    /// <param name="ask">Asks the model of a step.</param>
    /// <param name="cancellationToken">Ends all steps.</param>
    /// <returns>The pipeline's outputs.</returns>
    /// <exception cref="InferenceException">The first one that a step ended with; all others are cancelled.</exception>
    public static async Task<IReadOnlyList<InferenceTensor>> RunAsync(
        EnsemblePlan plan, InferenceRequest request, StepCall ask, CancellationToken cancellationToken)
    {
        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sources = request.Inputs.ToDictionary(input => input.Name, input => Task.FromResult<InferenceTensor[]>([input]));
        var steps = new List<Task<InferenceTensor[]>>(plan.Steps.Count);
        InferenceException? first = null;
        foreach (var step in plan.Steps)
        {
            var run = RunStepAsync(step);
            steps.Add(run);
            foreach (var tensor in step.OutputMap!.Values) sources[tensor] = run;
        }

        try
        {
            await Task.WhenAll(steps).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // The first to fail is the reason of all others, which were cancelled or had nothing to begin with.
            throw first ?? exception;
        }

        var outputs = new List<InferenceTensor>(plan.Outputs.Count);
        foreach (var name in plan.Outputs) outputs.Add(Find(name, await sources[name].ConfigureAwait(false)));
        return outputs;

        async Task<InferenceTensor[]> RunStepAsync(EnsembleStep step)
        {
            // Found before the first wait: later steps are added to the sources meanwhile.
            var inputs = step.InputMap!.Values.Distinct().Select(name => (name, sources[name])).ToList();
            var tensors = new Dictionary<string, InferenceTensor>();
            foreach (var (name, source) in inputs) tensors[name] = Find(name, await source.ConfigureAwait(false));
            try
            {
                return await ask(step, tensors, failing.Token).ConfigureAwait(false);
            }
            catch (InferenceException exception)
            {
                Interlocked.CompareExchange(ref first, exception, null);
                await failing.CancelAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    private static InferenceTensor Find(string name, InferenceTensor[] tensors) => Array.Find(tensors, tensor => tensor.Name == name)!;
}
