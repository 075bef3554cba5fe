using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

using Orleans.Messaging;

using OrleansInference.Tensors;

namespace OrleansInference.Client.Tests;

/// <summary>The client as a host has it, over scripted grains and in fake time.</summary>
internal sealed class ClientHarness : IAsyncDisposable
{
    private readonly IHost _host;

    private ClientHarness(Dictionary<string, string?> settings)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(ScriptedGrains.Factory.Create(Grains));
        builder.Services.AddSingleton<TimeProvider>(Time);
        builder.Services.AddSingleton<ILocalModels>(Local);
        builder.Services.AddSingleton<IGatewayListProvider>(Gateways);
        builder.Services.AddInferenceClient();
        _host = builder.Build();
    }

    public ScriptedGrains Grains { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    public ScriptedLocalModels Local { get; } = new();

    public ScriptedGateways Gateways { get; } = new();

    public IInferenceClient Client => _host.Services.GetRequiredService<IInferenceClient>();

    public static InferenceRequest Request { get; } = new() { Model = "m", Inputs = [InferenceTensor.Create("x", new[] { 1f })] };

    /// <summary>Starts a client whose catalog shows the given models, and waits until it knows them; none to leave it waiting.</summary>
    public static async Task<ClientHarness> StartAsync(ModelEntry[] models, params (string Key, string Value)[] settings)
    {
        var harness = new ClientHarness(settings.ToDictionary(setting => $"Inference:{setting.Key}", string? (setting) => setting.Value));
        if (models.Length > 0) harness.Grains.Publish(models);
        await harness._host.StartAsync();
        if (models.Length > 0) await harness.Client.GetModelsAsync();
        return harness;
    }

    /// <summary>Lets time pass until a call has ended.</summary>
    public async Task<T> AdvanceAsync<T>(Task<T> call)
    {
        while (!call.IsCompleted) await StepAsync();
        return await call;
    }

    /// <summary>Lets so much time pass, in steps after each of which whoever was woken may act.</summary>
    public async Task PassAsync(TimeSpan span)
    {
        for (var end = Time.GetUtcNow() + span; Time.GetUtcNow() < end;) await StepAsync();
    }

    /// <summary>What a model does that never answers: it waits until nobody waits for it any more.</summary>
    public async Task<InferenceResponse> HangAsync(CancellationToken cancellationToken, Action? left = null)
    {
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, Time, cancellationToken);
            throw new InvalidOperationException("Time never ends.");
        }
        finally
        {
            left?.Invoke();
        }
    }

    /// <summary>Has the device that is asked first neither answer nor say anything, from then on.</summary>
    public Func<string> Silence(Action? left = null)
    {
        string? silent = null;
        Grains.OnInfer = (instance, request, token) => (silent ??= instance.Device) == instance.Device
            ? HangAsync(token, left)
            : Task.FromResult(new InferenceResponse { Model = instance.Model, Outputs = request.Inputs });
        Grains.OnFindLost = (instance, _) =>
            instance.Device == silent ? new TaskCompletionSource<long[]>().Task : Task.FromResult(Array.Empty<long>());
        return () => silent!;
    }

    private async Task StepAsync()
    {
        Time.Advance(TimeSpan.FromMilliseconds(50));
        // Whoever was woken gets the time to act, and to wait again, before the next step.
        await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
