namespace OrleansInference;

/// <summary>
/// A grain whose callers can ask whether it still has their calls. A process that is killed or hangs, or a connection that breaks on the
/// way, takes calls with it, and the runtime tells the callers late or never.
/// </summary>
[Alias("OrleansInference.ICallHolder")]
public interface ICallHolder : IAddressable
{
    /// <summary>Finds calls whose answers will not come.</summary>
    /// <param name="calls">The <see cref="InferenceRequest.CallId"/>s of calls that the caller has no answer to yet.</param>
    /// <returns>Those that the grain's silo does not have under way.</returns>
    [Alias("FindLost")]
    [ResponseTimeout(GrainTimeouts.Inquiry)]
    ValueTask<long[]> FindLostAsync(long[] calls);
}
