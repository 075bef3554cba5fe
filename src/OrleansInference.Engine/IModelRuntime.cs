using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine;

/// <summary>The seam to a machine-learning runtime.</summary>
internal interface IModelRuntime
{
    /// <summary>Sets the runtime's thread-local state. Runs first on every thread that loads or runs models.</summary>
    void InitializeThread(Device device);

    /// <summary>Runs something that is no model, so that there is what the runtime allocates once, however many models it has.</summary>
    void Prepare();

    /// <summary>Loads a model onto a device, on a thread that runs beside the device's own.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.NotReady"/> with the reason.</exception>
    IModelInstance Load(ModelVersion version, Device device);
}
