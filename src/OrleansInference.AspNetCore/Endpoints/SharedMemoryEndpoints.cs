using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>
/// Triton's shared memory, which a service of several machines cannot have: clients that try it learn why, instead of a route that does
/// not exist.
/// </summary>
internal static class SharedMemoryEndpoints
{
    public static void MapSharedMemory(this RouteGroupBuilder group)
    {
        foreach (var kind in new[] { "systemsharedmemory", "cudasharedmemory" })
            group.Map($"/{kind}/{{**rest}}", Refuse).ExcludeFromDescription();
    }

    private static void Refuse() => throw new InferenceException(
        InferenceError.InvalidArgument, "shared memory is not supported: send tensors in the body, as JSON or binary");
}
