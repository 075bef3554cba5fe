using OrleansInference.Ensembles;
using OrleansInference.Tensors;

using static OrleansInference.Client.Tests.ScriptedGrains;

namespace OrleansInference.Client.Tests;

/// <summary>Models with signatures, as a catalog shows them.</summary>
internal static class PublishedModels
{
    /// <summary>A network that takes <c>x</c> and gives <c>y</c>, FP32 of any number of columns.</summary>
    public static ModelEntry Network(string name, int maxBatchSize = 0, int version = 1, params string[] devices)
    {
        var model = Model(name, version, devices: devices is [] ? ["n.cpu:0"] : devices);
        return model with { Descriptor = Describe(model.Descriptor!, maxBatchSize) };
    }

    /// <summary>The same with requests routed among its versions.</summary>
    public static ModelEntry Routed(int version, RoutingPolicy routing, params string[] devices)
    {
        var model = Network("m", version: version, devices: devices);
        return model with { Descriptor = model.Descriptor! with { Routing = routing } };
    }

    /// <summary>An ensemble that takes <c>x</c> and gives <c>y</c>.</summary>
    public static ModelEntry Ensemble(string name, EnsemblePlan plan, int maxBatchSize = 0, bool hasProcessing = false)
    {
        var model = Model(name, hasProcessing: hasProcessing);
        // Its configuration tells one plan from another.
        return model with
        {
            Descriptor = Describe(model.Descriptor!, maxBatchSize) with { Ensemble = plan, Configuration = $"{plan.GetHashCode()}" },
        };
    }

    /// <summary>Members that are asked for <c>y</c>, all with weight 1.</summary>
    public static EnsemblePlan Members(Aggregation aggregation, params string[] models) => new()
    {
        Outputs = ["y"],
        Aggregation = aggregation,
        Steps = [.. models.Select(model => new EnsembleStep { Name = model, Model = model })],
    };

    /// <summary>A step of a pipeline that makes one tensor of another.</summary>
    public static EnsembleStep Step(string model, string from, string to) => new()
    {
        Name = model,
        Model = model,
        InputMap = new Dictionary<string, string> { ["x"] = from },
        OutputMap = new Dictionary<string, string> { ["y"] = to },
    };

    /// <summary>A request with <c>x</c>, a number per row.</summary>
    public static InferenceRequest Ask(string model, params float[] rows) =>
        new() { Model = model, Inputs = [InferenceTensor.Create("x", rows, rows.Length, 1)] };

    /// <summary>An answer with <c>y</c>, a number per row.</summary>
    public static InferenceResponse Answer(ModelInstanceId instance, params float[] rows) =>
        new() { Model = instance.Model, Outputs = [InferenceTensor.Create("y", rows, rows.Length, 1)] };

    private static ModelDescriptor Describe(ModelDescriptor descriptor, int maxBatchSize) => descriptor with
    {
        MaxBatchSize = maxBatchSize,
        Inputs = [new() { Name = "x", DataType = DataType.Float32, Shape = [-1, 1] }],
        Outputs = [new() { Name = "y", DataType = DataType.Float32, Shape = [-1, 1] }],
    };
}
