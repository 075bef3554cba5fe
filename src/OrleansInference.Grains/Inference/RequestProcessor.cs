using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Inference;

/// <summary>What happens to a request before and after the network, in whichever grain it happens.</summary>
internal sealed class RequestProcessor(ProcessingThrottle throttle)
{
    /// <summary>
    /// Outputs of more elements than this are postprocessed beside the grain turn. A step over so many takes 20 to 90 microseconds; with
    /// fewer, going to another thread and back would soon be most of the work.
    /// </summary>
    public const int MaxElementsInTurn = 16 * 1024;

    /// <summary>The request that the network takes.</summary>
    /// <exception cref="InferenceException">The request is wrong, or too many wait.</exception>
    public async ValueTask<InferenceRequest> PreprocessAsync(ModelVersion model, InferenceRequest request, CancellationToken cancellationToken)
    {
        var bound = Preprocessor.Bind(model, request);
        var inputs = bound.Pending.Count == 0
            ? bound.Inputs
            : await throttle.RunAsync(() => Preprocessor.Run(model, bound, cancellationToken), cancellationToken);
        return request with { Inputs = inputs, Outputs = [] };
    }

    /// <summary>The response that the caller asked for.</summary>
    /// <exception cref="InferenceException">An output is not what the steps need, or too many wait.</exception>
    public async ValueTask<InferenceResponse> PostprocessAsync(
        ModelVersion model, InferenceRequest request, InferenceResponse response, CancellationToken cancellationToken)
    {
        var isSmall = model.Config.Postprocessing.Count == 0 || response.Outputs.Sum(output => output.ElementCount) <= MaxElementsInTurn;
        var outputs = isSmall ? Run() : await throttle.RunAsync(Run, cancellationToken);
        return response with { Outputs = ModelSignature.Select(request, outputs) };

        IReadOnlyList<InferenceTensor> Run() => Postprocessor.Run(model, response.Outputs);
    }
}
