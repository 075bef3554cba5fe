using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine;

/// <summary>Loads models onto the devices of this process and runs them. Knows nothing of clusters.</summary>
public interface IInferenceEngine
{
    /// <summary>The devices of this process.</summary>
    IReadOnlyList<Device> Devices { get; }

    /// <summary>Verifies a model in a child process, loads it onto a device and warms it up.</summary>
    /// <param name="version">The model version.</param>
    /// <param name="device">The device's name.</param>
    /// <param name="leave">
    /// Has the model disposed when its room is needed for others and it is idle, and ends when that is done; null where the model is to stay.
    /// </param>
    /// <param name="cancellationToken">Ends the wait; what is loaded then is unloaded again.</param>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.NotReady"/> with the reason, which may be quarantine; <see cref="InferenceError.QueueFull"/>: there is no room
    /// at present; <see cref="InferenceError.NotFound"/>: there is no such device here.
    /// </exception>
    Task<ILoadedModel> LoadAsync(ModelVersion version, string device, Func<Task>? leave, CancellationToken cancellationToken);

    /// <summary>How many bytes models may take of a device's memory; 0 where it is not known.</summary>
    long GetMemoryLimit(string device);

    /// <summary>Loads and runs a model in a child process, and nowhere else.</summary>
    /// <returns>Why it cannot be loaded; null where it can.</returns>
    Task<string?> VerifyAsync(ModelVersion version);

    /// <summary>Lets a version be loaded again that is in quarantine since it has ended the process.</summary>
    void Release(ModelVersion version);
}

/// <summary>A model on a device. Disposing it lets what waits finish first.</summary>
public interface ILoadedModel : IAsyncDisposable
{
    /// <summary>Runs the network on its own inputs, in a batch with whatever else waits.</summary>
    /// <exception cref="InferenceException">Any of its codes.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; a request that waits leaves the queue at once.</exception>
    Task<InferenceResponse> InferAsync(InferenceRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Runs a network that may answer more than once: pass after pass, each in a batch with whatever else waits, and each with a
    /// response. A network that answers once gives one.
    /// </summary>
    /// <inheritdoc cref="InferAsync"/>
    IAsyncEnumerable<InferenceResponse> InferStreamAsync(InferenceRequest request, CancellationToken cancellationToken);

    /// <summary>The bytes that it takes of its device's memory, as they were measured when it was verified.</summary>
    long MemoryBytes { get; }

    /// <summary>The SHA-256 of its files, in hexadecimal digits.</summary>
    string Checksum { get; }

    /// <summary>What it has done so far.</summary>
    ModelStatistics GetStatistics();
}
