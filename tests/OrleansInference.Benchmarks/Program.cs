using System.CommandLine;

using OrleansInference.Benchmarks.Compare;
using OrleansInference.Benchmarks.Growth;
using OrleansInference.Benchmarks.Micro;
using OrleansInference.Benchmarks.Servers;
using OrleansInference.Benchmarks.Soak;

var seconds = new Option<double>("--seconds") { Description = "How long each scenario is measured in each round.", DefaultValueFactory = _ => 2 };
var rounds = new Option<int>("--rounds") { Description = "How often all scenarios are measured; medians are reported.", DefaultValueFactory = _ => 3 };
var output = new Option<string>("--output") { Description = "Where the files go.", DefaultValueFactory = _ => "benchmark-results" };
var filter = new Option<string?>("--only") { Description = "Only the scenarios whose line contains this text." };
var settings = new Option<string[]>("--set") { Description = "A setting of our silos, as Inference:MaxQueueSize=64.", DefaultValueFactory = _ => [] };
var compare = new Command("compare", "Measures the service beside its limits and a rival.") { seconds, rounds, output, filter, settings };
compare.SetAction((result, cancellationToken) => CompareCommand.RunAsync(
    result.GetValue(seconds), result.GetValue(rounds), result.GetValue(output)!, result.GetValue(filter), result.GetValue(settings)!, cancellationToken));

var pieces = new Option<string?>("--only") { Description = "Only the pieces whose name contains this text." };
var micro = new Command("micro", "Times the hot pieces by themselves, and what they allocate.") { output, pieces };
micro.SetAction(result => MicroCommand.RunAsync(result.GetValue(output)!, result.GetValue(pieces)));

var models = new Option<int[]>("--models") { Description = "Numbers of models.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [1, 10, 100, 1000] };
var devices = new Option<int[]>("--devices") { Description = "Numbers of devices.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [1, 2, 4] };
var growth = new Command("growth", "Measures how cost grows with models and devices.") { models, devices, seconds, output, settings };
growth.SetAction((result, cancellationToken) => GrowthCommand.RunAsync(
    result.GetValue(models)!, result.GetValue(devices)!, result.GetValue(seconds), result.GetValue(output)!, result.GetValue(settings)!, cancellationToken));

var cycles = new Option<int>("--cycles") { Description = "How often a model is unloaded and loaded.", DefaultValueFactory = _ => 1000 };
var inferences = new Option<int>("--inferences") { Description = "How many requests are sent.", DefaultValueFactory = _ => 200_000 };
var soak = new Command("soak", "Sees whether a silo's memory grows with loads and requests; exits with 1 where it does.") { cycles, inferences, settings };
soak.SetAction((result, cancellationToken) => SoakCommand.RunAsync(
    result.GetValue(cycles), result.GetValue(inferences), result.GetValue(settings)!, cancellationToken));

var swap = new Command("swap", "Measures what callers notice of new versions of another model.") { seconds, settings };
swap.SetAction((result, cancellationToken) => SwapCommand.RunAsync(result.GetValue(seconds), result.GetValue(settings)!, cancellationToken));

// What follows, the comparison starts by itself.
var address = new Argument<string>("address");
var file = new Argument<string>("file");
var bare = new Command("serve-bare") { Hidden = true };
bare.Add(address);
bare.SetAction(result => BareServer.RunAsync(result.GetValue(address)!));
var rival = new Command("serve-rival") { Hidden = true };
rival.Add(address);
rival.Add(file);
rival.SetAction(result => RivalServer.RunAsync(result.GetValue(address)!, result.GetValue(file)!));
var repository = new Argument<string>("repository");
var model = new Argument<string>("model");
var perBatchSize = new Argument<double>("seconds");
var forward = new Command("forward-loop") { Hidden = true };
forward.Add(repository);
forward.Add(model);
forward.Add(perBatchSize);
forward.SetAction(result => ForwardLoop.Run(result.GetValue(repository)!, result.GetValue(model)!, result.GetValue(perBatchSize)));

// A measurement that is broken off ends its servers first; the servers end as web hosts do, and with their exit code.
return await new RootCommand("Benchmarks of OrleansInference.") { compare, micro, growth, soak, swap, bare, rival, forward }.Parse(args)
    .InvokeAsync(new() { ProcessTerminationTimeout = args is ["compare" or "growth" or "soak" or "swap", ..] ? TimeSpan.FromMinutes(1) : null });
