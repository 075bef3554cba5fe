using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

using OrleansInference.Engine;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Grains.Models;

/// <summary>Tells the catalog what this silo has, on every change and every few seconds.</summary>
internal sealed class SiloReporter(
    IGrainFactory grains,
    IInferenceEngine engine,
    IModelRepository repository,
    ModelInstances instances,
    EngineOptions options,
    TimeProvider time,
    ILogger<SiloReporter> logger) : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var changed = instances.Changed;
            try
            {
                await grains.GetCatalog().ReportAsync(new()
                {
                    Silo = options.SiloName,
                    Devices = [.. engine.Devices.Select(device => device.Name)],
                    Models = repository.Publications,
                    Instances = instances.All,
                });
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.ReportFailed(logger, exception);
            }

            try
            {
                await changed.WaitAsync(Interval, time, stoppingToken);
            }
            catch (TimeoutException)
            {
                // Nothing changed, but silence would be taken for death.
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }
}
