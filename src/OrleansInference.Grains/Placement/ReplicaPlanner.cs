using System.Runtime.InteropServices;

namespace OrleansInference.Grains.Placement;

/// <summary>
/// Decides which devices hold which models. Pure and deterministic: what is decided follows from the devices, what is wanted and where
/// replicas are, so that a catalog that has moved decides as the one before.
/// </summary>
/// <remarks>
/// Replicas stay where they are as long as they may. Missing ones go, one by one, to the device that is best in this order: its silo has no replica of the
/// model, the model fits into what is left of its memory, it is filled and busy the least; equals are told apart by a hash, so that
/// models that have nothing to do with each other do not gather. Then replicas move from the fullest device to the emptiest until no device is
/// filled clearly more or less than the mean: where a silo joins it gets its share, and no more is moved than that.
/// </remarks>
internal sealed class ReplicaPlanner
{
    /// <summary>Devices whose fill differs by less than this part of the mean stay as they are: moving costs loading.</summary>
    private const double Tolerance = 0.1;

    /// <summary>The emptiest devices that are tried as the target of a move.</summary>
    private const int MaxTargets = 8;

    private readonly List<Device> _devices;
    private readonly Dictionary<string, Device> _byName;
    private readonly double _typicalCost;
    private readonly double _typicalMemory;
    private readonly double _meanWork;

    private ReplicaPlanner(IReadOnlyList<PlacementDevice> devices, IReadOnlyList<PlacementDemand> demands)
    {
        _devices = [.. devices.OrderBy(device => device.Name, StringComparer.Ordinal).Select(device => new Device(device))];
        _byName = _devices.ToDictionary(device => device.Name);
        _typicalCost = demands.Where(demand => demand.MemoryBytes > 0).Select(demand => (double)demand.MemoryBytes).DefaultIfEmpty(1).Average();
        _typicalMemory = devices.Where(device => device.MemoryBytes > 0).Select(device => (double)device.MemoryBytes).DefaultIfEmpty(1).Average();
        _meanWork = Math.Max(devices.Select(device => (double)device.Outstanding).DefaultIfEmpty(0).Average(), 1);
    }

    /// <param name="devices">The devices that take models.</param>
    /// <param name="demands">What is wanted, each model version once.</param>
    /// <param name="current">Where replicas are, or are being loaded; devices that are not among those above do not count.</param>
    /// <returns>The devices of each model version.</returns>
    public static IReadOnlyDictionary<ModelId, IReadOnlyList<string>> Plan(
        IReadOnlyList<PlacementDevice> devices,
        IReadOnlyList<PlacementDemand> demands,
        IReadOnlyDictionary<ModelId, IReadOnlyList<string>> current)
    {
        var planner = new ReplicaPlanner(devices, demands);
        var ordered = demands.OrderBy(demand => demand.Model.Name, StringComparer.Ordinal).ThenBy(demand => demand.Model.Version).ToList();
        var placed = ordered.ConvertAll(demand => planner.Keep(demand, current.GetValueOrDefault(demand.Model) ?? []));
        foreach (var model in placed) planner.Fill(model);
        planner.Balance(placed);
        return placed.ToDictionary(model => model.Demand.Model, IReadOnlyList<string> (model) => [.. model.Devices.Select(device => device.Name)]);
    }

    private Placed Keep(PlacementDemand demand, IReadOnlyList<string> current)
    {
        var placed = new Placed(demand, CostOf(demand));
        foreach (var name in current)
        {
            if (placed.Devices.Count < demand.Replicas && _byName.TryGetValue(name, out var device) && demand.Admits(device.Status) && !placed.Devices.Contains(device))
                Add(placed, device);
        }

        return placed;
    }

    private void Fill(Placed model)
    {
        while (model.Devices.Count < model.Demand.Replicas)
        {
            Device? best = null;
            (bool SameSilo, bool HasNoRoom, double Load, ulong Order) bestRank = default;
            foreach (var device in _devices)
            {
                if (model.Devices.Contains(device) || !model.Demand.Admits(device.Status)) continue;
                var hasNoRoom = device.Status.MemoryBytes > 0 && device.Cost + model.Cost > device.Status.MemoryBytes;
                var rank = (model.Silos.Contains(device.Silo), hasNoRoom, LoadOf(device), model.Hash ^ device.Hash);
                if (best is not null && rank.CompareTo(bestRank) >= 0) continue;
                (best, bestRank) = (device, rank);
            }

            if (best is null) return;
            Add(model, best);
        }
    }

    /// <summary>Moves replicas from the fullest device to the emptiest.</summary>
    private void Balance(List<Placed> placed)
    {
        // Those that are wanted on all devices have nowhere to move to.
        var movable = placed.Where(model => model.Devices.Count < _devices.Count).ToList();
        if (_devices.Count < 2 || movable.Count == 0) return;
        var mean = _devices.Average(FillOf);
        var byDevice = new Dictionary<Device, List<Placed>>();
        foreach (var model in movable)
        {
            foreach (var device in model.Devices)
                (CollectionsMarshal.GetValueRefOrAddDefault(byDevice, device, out _) ??= []).Add(model);
        }

        var stuck = new HashSet<Device>();
        // More moves than replicas would mean that one is moved to and fro.
        for (var moves = movable.Sum(model => model.Devices.Count); moves > 0; moves--)
        {
            var from = _devices.Where(device => !stuck.Contains(device)).MaxBy(FillOf);
            if (from is null || FillOf(from) <= mean) return;
            if (FillOf(from) <= mean * (1 + Tolerance) && _devices.Min(FillOf) >= mean * (1 - Tolerance)) return;
            if (!TryMove(from)) stuck.Add(from);
        }

        bool TryMove(Device from)
        {
            if (!byDevice.TryGetValue(from, out var models)) return false;
            foreach (var to in _devices.Where(device => FillOf(device) < mean).OrderBy(FillOf).Take(MaxTargets))
            {
                var model = models.Find(candidate => CanMove(candidate, from, to));
                if (model is null) continue;
                Remove(model, from);
                Add(model, to);
                models.Remove(model);
                (CollectionsMarshal.GetValueRefOrAddDefault(byDevice, to, out _) ??= []).Add(model);
                return true;
            }

            return false;
        }
    }

    private bool CanMove(Placed model, Device from, Device to) =>
        !model.Devices.Contains(to) &&
        model.Demand.Admits(to.Status) &&
        (to.Silo == from.Silo || !model.Silos.Contains(to.Silo)) &&
        (to.Status.MemoryBytes == 0 || to.Cost + model.Cost <= to.Status.MemoryBytes) &&
        // The two must come closer to each other, or it would move back.
        (to.Cost + model.Cost) / MemoryOf(to) < FillOf(from);

    private static void Add(Placed model, Device device)
    {
        model.Devices.Add(device);
        model.Silos.Add(device.Silo);
        device.Cost += model.Cost;
    }

    private static void Remove(Placed model, Device device)
    {
        model.Devices.Remove(device);
        model.Silos.Remove(device.Silo);
        foreach (var other in model.Devices) model.Silos.Add(other.Silo);
        device.Cost -= model.Cost;
    }

    private double CostOf(PlacementDemand demand) => demand.MemoryBytes > 0 ? demand.MemoryBytes : _typicalCost;

    private double MemoryOf(Device device) => device.Status.MemoryBytes > 0 ? device.Status.MemoryBytes : _typicalMemory;

    private double FillOf(Device device) => device.Cost / MemoryOf(device);

    /// <summary>How full a device is and how busy, a mean device's work counting as much as a typical model.</summary>
    private double LoadOf(Device device) => FillOf(device) + device.Status.Outstanding / _meanWork * _typicalCost / _typicalMemory;

    private sealed class Device(PlacementDevice status)
    {
        public PlacementDevice Status => status;

        public string Name => status.Name;

        public string Silo { get; } = ModelInstanceId.SiloOf(status.Name);

        public ulong Hash { get; } = StableHash.Compute(status.Name);

        public double Cost { get; set; }
    }

    private sealed class Placed(PlacementDemand demand, double cost)
    {
        public PlacementDemand Demand => demand;

        public double Cost => cost;

        public ulong Hash { get; } = StableHash.Compute(demand.Model.Name);

        public List<Device> Devices { get; } = [];

        public HashSet<string> Silos { get; } = [];
    }
}

/// <summary>A device that takes models.</summary>
/// <param name="Name">Its name, which begins with its silo's.</param>
/// <param name="MemoryBytes">What models may take; 0 where it is not known.</param>
/// <param name="Outstanding">Requests that wait there.</param>
internal sealed record PlacementDevice(string Name, long MemoryBytes = 0, int Outstanding = 0);

/// <summary>A model version that is wanted.</summary>
/// <param name="Model">The model version.</param>
/// <param name="Replicas">On how many devices, if there are as many.</param>
/// <param name="MemoryBytes">What a replica takes; 0 where it has not been measured.</param>
/// <param name="Admits">Whether a device may hold it.</param>
internal sealed record PlacementDemand(ModelId Model, int Replicas, long MemoryBytes, Func<PlacementDevice, bool> Admits);
