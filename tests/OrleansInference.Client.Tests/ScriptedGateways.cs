using Orleans.Messaging;

namespace OrleansInference.Client.Tests;

/// <summary>The silos to which a client has connections.</summary>
internal sealed class ScriptedGateways : IGatewayListProvider
{
    public int Count { get; set; } = 3;

    public TimeSpan MaxStaleness => TimeSpan.FromMinutes(1);

    public bool IsUpdatable => true;

    public Task InitializeGatewayListProvider() => Task.CompletedTask;

    /// <summary>How often they were asked for.</summary>
    public int Asked { get; private set; }

    public Task<IList<Uri>> GetGateways()
    {
        Asked++;
        return Task.FromResult<IList<Uri>>([.. Enumerable.Range(0, Count).Select(gateway => new Uri($"gwy.tcp://127.0.0.1:{30000 + gateway}/0"))]);
    }
}
