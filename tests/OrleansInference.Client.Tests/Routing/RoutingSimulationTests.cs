using OrleansInference.Client.Routing;
using OrleansInference.Tests.Shared;

using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests.Routing;

/// <summary>How long requests wait where many clients choose devices, none of which knows what the others do, by a seed. At full length with <c>TESTS=full</c>, which also prints what came of it.</summary>
public sealed class RoutingSimulationTests(ITestOutputHelper output)
{
    private static readonly (int Devices, int Requests) Size = TestLength.IsFull ? (1000, 1_000_000) : (100, 50_000);

    /// <summary>The more clients there are, the rarer each of them hears from a device.</summary>
    [Theory]
    [InlineData(1, 0.3)]
    [InlineData(10, 0.8)]
    [InlineData(100, 1)]
    public void Requests_wait_less_than_where_devices_are_chosen_at_random(int clients, double limit)
    {
        var random = new SimulatedRouting(seed: 7, Size.Devices, clients, isRandom: true).Run(Size.Requests);
        var chosen = new SimulatedRouting(seed: 7, Size.Devices, clients, isRandom: false).Run(Size.Requests);

        output.WriteLine(
            $"{clients} clients of {Size.Devices} devices at 0.9 of their capacity, requests of 10 ms: mean wait {chosen.Mean:F1} ms and p99 {chosen.P99:F0} ms, " +
            $"at random {random.Mean:F1} ms and {random.P99:F0} ms");
        Assert.InRange(chosen.P99 / random.P99, 0, limit);
        Assert.InRange(chosen.Mean / random.Mean, 0, limit);
    }

    /// <summary>Devices with a queue each, and clients that send them requests at random moments.</summary>
    private sealed class SimulatedRouting
    {
        private const double Utilization = 0.9;

        private static readonly TimeSpan Service = TimeSpan.FromMilliseconds(10);

        private readonly Random _random;
        private readonly Clock _clock = new();
        private readonly bool _isRandom;
        private readonly (DeviceChooser Chooser, PublishedModel Model)[] _clients;
        private readonly TimeSpan[] _freeAt;
        private readonly int[] _queued;
        private readonly PriorityQueue<(int Client, int Device, OutstandingWork.Request Work)?, TimeSpan> _events = new();

        public SimulatedRouting(int seed, int devices, int clients, bool isRandom)
        {
            _random = new(seed);
            _isRandom = isRandom;
            var entry = Model("m", devices: [.. Enumerable.Range(0, devices).Select(device => $"node{device}.cpu:0")]);
            _clients = [.. Enumerable.Range(0, clients).Select(_ =>
            {
                var chooser = new DeviceChooser(_random, _clock);
                return (chooser, new ModelTable(new(default, [entry]), id => new(id, null!, chooser.GetWork(id.Device))).Find("m", null));
            })];
            _freeAt = new TimeSpan[devices];
            _queued = new int[devices];
        }

        public (double Mean, double P99) Run(int requests)
        {
            var waits = new List<double>(requests);
            Arrive();
            while (waits.Count < requests)
            {
                _events.TryDequeue(out var answered, out var now);
                _clock.Now = now;
                if (answered is { } call)
                {
                    _queued[call.Device]--;
                    call.Work.Answered(_queued[call.Device]);
                    call.Work.Dispose();
                    continue;
                }

                waits.Add(Send(now));
                Arrive();
            }

            waits.Sort();
            return (waits.Average(), waits[(int)(waits.Count * 0.99)]);
        }

        private void Arrive()
        {
            var rate = _freeAt.Length * Utilization / Service.TotalSeconds;
            _events.Enqueue(null, _clock.Now + TimeSpan.FromSeconds(-Math.Log(1 - _random.NextDouble()) / rate));
        }

        private double Send(TimeSpan now)
        {
            var client = _random.Next(_clients.Length);
            var (chooser, model) = _clients[client];
            var replica = model.Ready[_random.Next(model.Ready.Count)];
            if (!_isRandom && chooser.TryChoose(model, null, null, out var chosen)) replica = chosen;
            var device = int.Parse(ModelInstanceId.SiloOf(replica.Id.Device)["node".Length..], System.Globalization.CultureInfo.InvariantCulture);
            var begin = _freeAt[device] > now ? _freeAt[device] : now;
            _freeAt[device] = begin + Service;
            _queued[device]++;
            _events.Enqueue((client, device, replica.Work.Begin()), _freeAt[device]);
            return (begin - now).TotalMilliseconds;
        }

        private sealed class Clock : TimeProvider
        {
            public TimeSpan Now { get; set; }

            public override long TimestampFrequency => TimeSpan.TicksPerSecond;

            public override long GetTimestamp() => Now.Ticks;
        }
    }
}
