namespace OrleansInference.Client.Tests;

/// <summary>The models that are loaded in the client's own process: none, unless a test says so.</summary>
internal sealed class ScriptedLocalModels : ILocalModels
{
    public Func<ModelInstanceId, InferenceRequest, Task<InferenceResponse>?> OnInfer { get; set; } = (_, _) => null;

    public string SiloName { get; set; } = "this_process";

    public List<string> Asked { get; } = [];

    public Task<InferenceResponse>? TryInferAsync(ModelInstanceId instance, InferenceRequest request, CancellationToken cancellationToken)
    {
        Asked.Add(instance.ToString());
        return OnInfer(instance, request);
    }
}
