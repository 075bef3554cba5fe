using System.Diagnostics;

using OrleansInference.Grains.Placement;

namespace OrleansInference.Grains.Tests.Placement;

using Plan = IReadOnlyDictionary<ModelId, IReadOnlyList<string>>;

/// <summary>Silos with a device or several, of two sizes, and models of all sizes, by a seed.</summary>
internal sealed class SimulatedCluster
{
    private const long Megabyte = 1 << 20;

    private readonly Random _random;
    private readonly Dictionary<string, PlacementDevice> _devices = [];
    private readonly Dictionary<ModelId, PlacementDemand> _models = [];
    private Plan _plan = new Dictionary<ModelId, IReadOnlyList<string>>();
    private int _names;

    public SimulatedCluster(int seed, int silos, int models)
    {
        _random = new(seed);
        for (var i = 0; i < silos; i++) AddSilo();
        for (var i = 0; i < models; i++) AddModel();
    }

    public int Replicas => _plan.Values.Sum(devices => devices.Count);

    public double FullestOverMean => Fill().Values.Max() / Fill().Values.Average();

    public TimeSpan SlowestPlan { get; private set; }

    /// <summary>Plans until nothing is moved any more.</summary>
    /// <returns>How many replicas were loaded somewhere, and how many rounds it took to find out that no more are to be.</returns>
    public (int Loads, int Rounds) Converge()
    {
        var (loads, rounds) = (0, 0);
        for (var moved = -1; moved != 0; rounds++)
        {
            Assert.InRange(rounds, 0, 10);
            var began = Stopwatch.GetTimestamp();
            var next = ReplicaPlanner.Plan([.. _devices.Values], [.. _models.Values], _plan);
            var elapsed = Stopwatch.GetElapsedTime(began);
            SlowestPlan = elapsed > SlowestPlan ? elapsed : SlowestPlan;
            moved = next.Sum(pair => pair.Value.Except(_plan.GetValueOrDefault(pair.Key) ?? []).Count());
            loads += moved;
            _plan = next;
        }

        return (loads, rounds);
    }

    /// <summary>Something happens.</summary>
    /// <returns>What, and how many replicas must be loaded because of it however they are placed.</returns>
    public (string Change, int Needed) ChangeSomething()
    {
        var before = Replicas;
        switch (_random.Next(5))
        {
            case 0:
                AddSilo();
                return ("a silo joins", before / _devices.Count);
            case 1:
                return ("a silo is lost", RemoveSilo());
            case 2:
                return ("a model is published", AddModel().Replicas);
            case 3:
                _models.Remove(_models.Keys.ElementAt(_random.Next(_models.Count)));
                return ("a model is removed", 0);
            default:
                var (id, model) = _models.ElementAt(_random.Next(_models.Count));
                _models[id] = model with { Replicas = model.Replicas + 1 };
                return ("a model is scaled up", 1);
        }
    }

    /// <summary>What always holds: as many replicas as are asked for, on devices that are there, on different silos, and no device is overfull.</summary>
    public void AssertSound()
    {
        foreach (var (id, model) in _models)
        {
            var devices = _plan[id];
            Assert.Equal(model.Replicas, devices.Count);
            Assert.Equal(model.Replicas, devices.Select(ModelInstanceId.SiloOf).Distinct().Count());
            Assert.All(devices, device => Assert.True(_devices.ContainsKey(device)));
        }

        Assert.All(Fill().Values, fill => Assert.InRange(fill, 0, 1));
    }

    private void AddSilo()
    {
        var (silo, memory) = (_names++, (_random.Next(2) + 1) * 40_000 * Megabyte);
        for (var device = _random.Next(1, 5); device > 0; device--)
        {
            var name = $"node{silo}.cuda:{device}";
            _devices.Add(name, new(name, memory));
        }
    }

    private int RemoveSilo()
    {
        var silo = ModelInstanceId.SiloOf(_devices.Keys.ElementAt(_random.Next(_devices.Count)));
        foreach (var device in _devices.Keys.Where(device => ModelInstanceId.SiloOf(device) == silo).ToList()) _devices.Remove(device);
        return _plan.Where(pair => _models.ContainsKey(pair.Key)).Sum(pair => pair.Value.Count(device => ModelInstanceId.SiloOf(device) == silo));
    }

    private PlacementDemand AddModel()
    {
        var id = new ModelId($"model{_names++}", 1);
        // Many small models and few large ones.
        var memory = (long)(200 * Megabyte * Math.Pow(2, _random.NextDouble() * 6));
        return _models[id] = new(id, _random.Next(1, 4), memory, _ => true);
    }

    /// <summary>How full each device is, by its name.</summary>
    private Dictionary<string, double> Fill()
    {
        var bytes = _devices.Keys.ToDictionary(device => device, _ => 0L);
        foreach (var (id, devices) in _plan)
        {
            foreach (var device in devices) bytes[device] += _models[id].MemoryBytes;
        }

        return bytes.ToDictionary(pair => pair.Key, pair => (double)pair.Value / _devices[pair.Key].MemoryBytes);
    }
}
