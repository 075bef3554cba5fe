using System.Globalization;

using Grpc.Net.Client;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

namespace OrleansInference.AspNetCore.Tests.Hosting;

/// <summary>The front door as programs build it, in memory, on fake time and over a client that answers by script.</summary>
internal sealed class FrontDoor : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http;

    private FrontDoor(WebApplication app, ScriptedClient client, FakeTimeProvider time)
    {
        _app = app;
        _http = app.GetTestClient();
        Client = client;
        Time = time;
    }

    public ScriptedClient Client { get; }

    public FakeTimeProvider Time { get; }

    public IHostApplicationLifetime Lifetime => _app.Lifetime;

    /// <summary>What the requests hold that are being read.</summary>
    public RequestMemory Memory => _app.Services.GetRequiredService<RequestMemory>();

    public static async Task<FrontDoor> StartAsync(
        int? maxRequestBytes = null, long? maxHeldBytes = null, LogLevel? logLevel = null, ILoggerProvider? logger = null, int? maxInFlightPerCall = null)
    {
        // Hosts come and go by the hundred: none of them may watch its settings' files.
        var builder = WebApplication.CreateBuilder(["--hostBuilder:reloadConfigOnChange=false", "--environment=Production"]);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            [$"{FrontDoorOptions.SectionName}:{nameof(FrontDoorOptions.MaxRequestBytes)}"] = maxRequestBytes?.ToString(CultureInfo.InvariantCulture),
            [$"{FrontDoorOptions.SectionName}:{nameof(FrontDoorOptions.MaxHeldBytes)}"] = maxHeldBytes?.ToString(CultureInfo.InvariantCulture),
            [$"{FrontDoorOptions.SectionName}:{nameof(FrontDoorOptions.MaxInFlightPerCall)}"] = maxInFlightPerCall?.ToString(CultureInfo.InvariantCulture),
        }.Where(setting => setting.Value is not null));

        var client = new ScriptedClient();
        var time = new FakeTimeProvider();
        builder.AddInferenceFrontDoor();
        // The watcher asks a cluster, and there is none.
        builder.Services.RemoveAll<IHostedService>();
        builder.Services.Replace(ServiceDescriptor.Singleton<IInferenceClient>(client));
        builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(time));
        builder.Logging.ClearProviders();
        if (logLevel is { } level) builder.Logging.SetMinimumLevel(level).AddProvider(logger ?? new DeafProvider());
        builder.WebHost.UseTestServer();
        var app = builder.Build();
        app.MapInferenceFrontDoor();
        await app.StartAsync();
        return new(app, client, time);
    }

    /// <summary>A channel of a gRPC client, which takes answers of any size.</summary>
    public GrpcChannel OpenChannel() => GrpcChannel.ForAddress(
        _http.BaseAddress!, new() { HttpHandler = _app.GetTestServer().CreateHandler(), DisposeHttpClient = true, MaxReceiveMessageSize = null });

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    public Task<Answer> PostAsync(string path, string body) => SendAsync(HttpMethod.Post, path, Bodies.Json(body));

    public Task<Answer> InferAsync(string model, string body) => InferAsync(model, Bodies.Json(body));

    public Task<Answer> InferAsync(string model, HttpContent body) => SendAsync(HttpMethod.Post, $"/v2/models/{model}/infer", body);

    public Task<Answer> InferAsync(string model, HttpContent body, string? acceptEncoding) =>
        SendAsync(HttpMethod.Post, $"/v2/models/{model}/infer", body, acceptEncoding: acceptEncoding);

    public async Task<Answer> SendAsync(
        HttpMethod method, string path, HttpContent? body, CancellationToken cancellationToken = default, string? acceptEncoding = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        if (acceptEncoding is not null) request.Headers.TryAddWithoutValidation("Accept-Encoding", acceptEncoding);
        using var response = await _http.SendAsync(request, cancellationToken);
        var headers = response.Headers.Concat(response.Content.Headers)
            .ToDictionary(header => header.Key, header => string.Join(',', header.Value), StringComparer.OrdinalIgnoreCase);
        return new((int)response.StatusCode, headers, await response.Content.ReadAsByteArrayAsync(cancellationToken));
    }

    /// <summary>The body of an answer that may not have ended yet.</summary>
    public Task<Stream> OpenAsync(string path, string body) => OpenAsync(path, Bodies.Json(body));

    /// <summary>The body of an answer that may not have ended yet, to a request that may not have either.</summary>
    public async Task<Stream> OpenAsync(string path, HttpContent body)
    {
        // Disposed, the request would take its body with it.
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = body };
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return await response.Content.ReadAsStreamAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
    }

    /// <summary>Takes every message, so that the level decides alone, and drops it.</summary>
    private sealed class DeafProvider : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void Dispose()
        {
        }
    }
}
