using Grpc.Net.Client;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests.Programs;

/// <summary>The one silo that most tests talk to: the bundled models, and those of <see cref="TestModels"/> that load.</summary>
public sealed class SharedService : IAsyncLifetime
{
    /// <summary>Less than the default, so that tests need not send so much to exceed it.</summary>
    internal const int MaxRequestBytes = 1024 * 1024;

    private readonly TemporaryFolder _repository = new();
    private Service? _service;

    internal InferenceApi Api => Started.Api;

    internal HttpClient Http => Started.Http;

    internal GrpcChannel Grpc => Started.Grpc;

    internal ChildProgram Program => Started.Program;

    private Service Started => _service ?? throw new InvalidOperationException("The service has not been started.");

    public async ValueTask InitializeAsync()
    {
        TestModels.AddSlow(_repository.Path);
        TestModels.AddSlow(_repository.Path, "narrow", maxQueueSize: 1);
        TestModels.AddPicky(_repository.Path);
        _service = await Service.StartSiloAsync(_repository.Path, $"--Inference:FrontDoor:MaxRequestBytes={MaxRequestBytes}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_service is not null) await _service.DisposeAsync();
        _repository.Dispose();
    }
}
