using Grpc.Net.Client;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests.Programs;

/// <summary>
/// The programs that most tests talk to: one silo with the bundled models and those of <see cref="TestModels"/> that load, which serves
/// them itself, and a front end of it.
/// </summary>
public sealed class SharedService : IAsyncLifetime
{
    /// <summary>Less than the default, so that tests need not send so much to exceed it.</summary>
    internal const int MaxRequestBytes = 1024 * 1024;

    private readonly TemporaryFolder _repository = new();
    private Service? _silo;
    private Service? _frontEnd;

    internal Service Silo => _silo ?? throw new InvalidOperationException("The silo has not been started.");

    internal Service FrontEnd => _frontEnd ?? throw new InvalidOperationException("The front end has not been started.");

    internal InferenceApi Api => Silo.Api;

    internal HttpClient Http => Silo.Http;

    internal GrpcChannel Grpc => Silo.Grpc;

    internal ChildProgram Program => Silo.Program;

    public async ValueTask InitializeAsync()
    {
        TestModels.AddSlow(_repository.Path);
        TestModels.AddSlow(_repository.Path, "narrow", maxQueueSize: 1);
        TestModels.AddPicky(_repository.Path);
        var limit = $"--Inference:FrontDoor:MaxRequestBytes={MaxRequestBytes}";
        _silo = await Service.StartSiloAsync(_repository.Path, limit);
        _frontEnd = await Service.StartFrontEndAsync(_silo.Gateway, limit);
        await _frontEnd.WaitUntilReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_frontEnd is not null) await _frontEnd.DisposeAsync();
        if (_silo is not null) await _silo.DisposeAsync();
        _repository.Dispose();
    }
}
