using Orleans.Placement;

namespace OrleansInference.Grains.Placement;

/// <summary>Places a grain on the silo that owns the device which its key names.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OnDeviceSiloAttribute() : PlacementFilterAttribute(new DeviceFilterStrategy());
