using System.Net;
using System.Net.NetworkInformation;

using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class ListenTests(SharedService service)
{
    [Fact]
    public void A_silo_without_settings_of_a_cluster_listens_where_its_own_machine_alone_reaches_it()
    {
        int[] ports = [service.Silo.SiloPort, service.Silo.Gateway, service.Http.BaseAddress!.Port];

        var listeners = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Where(listener => ports.Contains(listener.Port)).ToList();

        Assert.Equal(ports.Length, listeners.Count);
        Assert.All(listeners, listener => Assert.Equal(IPAddress.Loopback, listener.Address));
    }
}
