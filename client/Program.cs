using Microsoft.Extensions.Options;

using Orleans.Dashboard;

using OrleansInference.AspNetCore;
using OrleansInference.FrontEnd;

if (args is [HealthProbe.Command, var address]) return await HealthProbe.RunAsync(address);

WebApplicationBuilder? builder = null;
var hasWaited = false;
try
{
    builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    ConfigurationMistakes.ThrowIfUnknown(builder.Configuration);
    builder.AddInferenceFrontDoor();
    builder.Services.AddOrleansClient(ClientSettings.Read(builder.Configuration), client => client
        .AddDashboard()
        // Silos may start later than the front end, or all be gone for a while: it keeps asking, and says meanwhile that it is not ready.
        .UseConnectionRetryFilter(async (failure, cancellationToken) =>
        {
            if (!hasWaited) await Console.Error.WriteLineAsync($"No silo can be reached yet, which is tried every second: {failure.Message}");
            hasWaited = true;
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, cancellationToken);
            return true;
        }));
    // The connection to the cluster must not hold up the server, which answers health probes from the first moment.
    builder.Services.Configure<HostOptions>(options => options.ServicesStartConcurrently = true);
    var app = builder.Build();
    ConfigurationMistakes.ThrowIfAny(app.Services);
    app.MapInferenceFrontDoor();
    app.MapOrleansDashboard("/dashboard");
    var options = app.Services.GetRequiredService<IOptions<FrontDoorOptions>>().Value;
    app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"The front end is connected, and serves on {options.Http}."));
    await app.RunAsync();
    return 0;
}
catch (Exception exception) when (ConfigurationMistakes.Find(exception, builder?.Configuration) is { } mistakes)
{
    foreach (var mistake in mistakes) await Console.Error.WriteLineAsync(mistake);
    return 1;
}
