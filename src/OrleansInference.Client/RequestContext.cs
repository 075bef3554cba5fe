using OrleansInference.Client.Routing;

namespace OrleansInference.Client;

/// <summary>What the calls that one request leads to have in common.</summary>
/// <param name="Models">The models as they were when the request came in.</param>
/// <param name="Deadline">The request's deadline.</param>
/// <param name="Token">Cancelled by the caller, by the deadline, or where this call is not needed any more.</param>
internal readonly record struct RequestContext(ModelTable Models, RequestDeadline Deadline, CancellationToken Token);
