using Orleans.Dashboard;

using OrleansInference.AspNetCore;
using OrleansInference.Engine;
using OrleansInference.Engine.Verification;
using OrleansInference.Grains;
using OrleansInference.Silo;
using OrleansInference.Silo.Commands;

if (VerificationCommand.IsMeant(args)) return VerificationCommand.Run(args);
if (SiloCommands.IsMeant(args)) return await SiloCommands.RunAsync(args);

WebApplicationBuilder? web = null;
var runs = false;
try
{
    // The settings lie beside the program, wherever it is started from.
    web = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    ConfigurationMistakes.ThrowIfUnknown(web.Configuration);
    var frontDoor = web.Configuration.GetSection(FrontDoorOptions.SectionName).Get<FrontDoorOptions>() ?? new();
    IHostApplicationBuilder builder = frontDoor.Enabled
        ? web.AddInferenceFrontDoor()
        : Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppContext.BaseDirectory });

    LoopbackDefault.Apply(builder.Configuration);
    var engine = EngineOptions.Read(builder.Configuration);
    builder.UseOrleans(silo => silo.AddInference(engine).AddDashboard());
    // The silo drains within its own limit of half a minute; the host must not cut that short.
    builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(45));
    if (!frontDoor.Enabled)
    {
        var host = ((HostApplicationBuilder)builder).Build();
        runs = true;
        await host.RunAsync();
        return 0;
    }

    builder.Services.AddHostedService<Greeting>();
    var app = web.Build();
    ConfigurationMistakes.ThrowIfAny(app.Services);
    app.MapInferenceFrontDoor();
    app.MapOrleansDashboard("/dashboard");
    runs = true;
    await app.RunAsync();
    return 0;
}
catch (Exception exception) when (ConfigurationMistakes.Find(exception, web?.Configuration) is { } mistakes)
{
    foreach (var mistake in mistakes) await Console.Error.WriteLineAsync(mistake);
    return 1;
}
catch (Exception exception) when (runs)
{
    // The host has logged it in full. Whoever watches over the process starts it again, and by then what it lacks may be there.
    await Console.Error.WriteLineAsync($"The silo has ended: {exception.GetBaseException().Message}");
    return 1;
}
