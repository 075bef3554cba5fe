using System.Collections.Concurrent;

using Inference;

using Microsoft.Extensions.Logging;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>What callers write is not the operator's to read, and must not look as if the server had said it.</summary>
public sealed class LogTests
{
    private const string Forged = "x\r\nfail: OrleansInference[1] forged";

    [Fact]
    public async Task What_callers_write_stands_in_no_line_of_the_log()
    {
        var log = new Recorder();
        await using var door = await FrontDoor.StartAsync(logLevel: LogLevel.Information, logger: log);
        using var channel = door.OpenChannel();
        var grpc = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        var text = Uri.EscapeDataString(Forged);
        const string InJson = """x\r\nfail: OrleansInference[1] forged""";

        // Failures that nobody foresaw are what the front door logs of requests.
        door.Client.Fails(new InvalidOperationException("it broke"));
        await door.InferAsync("identity", $$"""{"id":"{{InJson}}","inputs":[{"name":"{{InJson}}","shape":[1],"datatype":"BYTES","data":["{{InJson}}"]}]}""");
        await door.InferAsync($"identity?{text}", Bodies.OneInput("FP32", "[1]", "[1]"));
        await door.InferAsync($"{text}", Bodies.OneInput("FP32", "[1]", "[1]"));
        await door.InferAsync($"identity/versions/{text}", Bodies.OneInput("FP32", "[1]", "[1]"));
        await door.GetAsync($"/v2/systemsharedmemory/{text}");
        await door.PostAsync("/v2/logging", $$"""{"{{InJson}}":"{{InJson}}"}""");
        await Assert.ThrowsAsync<global::Grpc.Core.RpcException>(async () => await grpc.ModelInferAsync(new() { ModelName = "identity", Id = Forged }));
        await Assert.ThrowsAsync<global::Grpc.Core.RpcException>(async () => await grpc.ModelInferAsync(new() { ModelName = Forged }));

        Assert.Contains(log.Messages, message => message.Contains("/v2/models/identity/infer failed", StringComparison.Ordinal));
        Assert.DoesNotContain(log.Messages, message => message.Contains("forged", StringComparison.Ordinal));
    }

    /// <summary>Keeps what would be written; of the framework's categories what the programs' own settings let through.</summary>
    private sealed class Recorder : ILoggerProvider
    {
        public ConcurrentQueue<string> Messages { get; } = [];

        public ILogger CreateLogger(string categoryName) => new Category(
            this, categoryName.StartsWith(nameof(OrleansInference), StringComparison.Ordinal) ? LogLevel.Information : LogLevel.Warning);

        public void Dispose()
        {
        }

        private sealed class Category(Recorder recorder, LogLevel least) : ILogger
        {
            public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                if (IsEnabled(logLevel)) recorder.Messages.Enqueue($"{formatter(state, exception)}\n{exception}");
            }

            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;
        }
    }
}
