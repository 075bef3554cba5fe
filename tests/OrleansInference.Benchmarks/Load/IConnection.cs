namespace OrleansInference.Benchmarks.Load;

/// <summary>One caller, which sends the same request over and over.</summary>
internal interface IConnection : IAsyncDisposable
{
    /// <summary>Sends the request and reads the whole answer.</summary>
    /// <returns>The answer's HTTP status, or what would be it.</returns>
    Task<int> SendAsync();
}
