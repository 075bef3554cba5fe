namespace OrleansInference.Engine.Devices;

/// <summary>What a device computes on.</summary>
public enum DeviceKind
{
    /// <summary>A share of the machine's cores.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda,
}
