using OrleansInference.Engine.Repository;

namespace OrleansInference.Grains.Inference;

/// <summary>What happens to a request before and after the network, in whichever grain it happens.</summary>
internal sealed class RequestProcessor(ProcessingThrottle throttle)
{
    /// <summary>The request that the network takes.</summary>
    /// <exception cref="InferenceException">The request is wrong, or too many wait.</exception>
    public async Task<InferenceRequest> PreprocessAsync(ModelVersion model, InferenceRequest request, CancellationToken cancellationToken)
    {
        var inputs = await throttle.RunAsync(() => Preprocessor.Run(model, request, cancellationToken), cancellationToken);
        return request with { Inputs = inputs, Outputs = [] };
    }

    /// <summary>The response that the caller asked for.</summary>
    public static InferenceResponse Postprocess(ModelVersion model, InferenceRequest request, InferenceResponse response) =>
        response with { Outputs = ModelSignature.Select(request, Postprocessor.Run(model, response.Outputs)) };
}
