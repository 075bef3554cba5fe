using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>
/// The inputs and outputs of a model version, either as callers see them or as the network has them, and the check of requests
/// against them. Both have the same shape of rules: what is sent must be exactly what is expected.
/// </summary>
public sealed class ModelSignature
{
    private ModelSignature(ModelConfig config, IEnumerable<TensorConfig> inputs, IEnumerable<TensorConfig> outputs)
    {
        Model = config.Name;
        MaxBatchSize = config.MaxBatchSize;
        Inputs = [.. inputs.Select(ToSignature)];
        Outputs = [.. outputs.Select(ToSignature)];
    }

    /// <summary>The model's name.</summary>
    public string Model { get; }

    /// <summary>The most rows in a batch; 0 where tensors have no batch dimension.</summary>
    public int MaxBatchSize { get; }

    /// <summary>The inputs, in order.</summary>
    public IReadOnlyList<TensorSignature> Inputs { get; }

    /// <summary>The outputs, in order.</summary>
    public IReadOnlyList<TensorSignature> Outputs { get; }

    /// <summary>What callers send and get.</summary>
    public static ModelSignature OfModel(ModelConfig config) => new(config, config.Inputs, config.Outputs);

    /// <summary>What the network takes and gives: preprocessing replaces inputs, and what postprocessing adds is not there yet.</summary>
    public static ModelSignature OfNetwork(ModelConfig config)
    {
        var added = config.Postprocessing.SelectMany(step => step.Added).ToHashSet();
        return new(config, Replace(config.Inputs, config.Preprocessing), config.Outputs.Where(output => !added.Contains(output.Name)));
    }

    /// <summary>What callers send who have done some of the preprocessing themselves.</summary>
    public static ModelSignature OfModel(ModelConfig config, IReadOnlyCollection<Preprocessing> done) =>
        new(config, Replace(config.Inputs, done), config.Outputs);

    /// <summary>What is made of several inputs stands in the place of the first of them.</summary>
    private static IEnumerable<TensorConfig> Replace(IReadOnlyList<TensorConfig> inputs, IReadOnlyCollection<Preprocessing> done)
    {
        var replaced = new HashSet<Preprocessing>(ReferenceEqualityComparer.Instance);
        foreach (var input in inputs)
        {
            if (done.FirstOrDefault(entry => entry.Inputs.Contains(input.Name)) is not { } made)
            {
                yield return input;
            }
            else if (replaced.Add(made))
            {
                foreach (var output in made.Outputs) yield return output;
            }
        }
    }

    /// <summary>Checks a request's inputs and brings them into the signature's order.</summary>
    /// <param name="request">The request.</param>
    /// <param name="rows">The length of the batch dimension; 1 where there is none.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>, in Triton's words where it has some.</exception>
    public InferenceTensor[] Bind(InferenceRequest request, out int rows)
    {
        var ordered = new InferenceTensor[Inputs.Count];
        for (var i = 0; i < request.Inputs.Count; i++)
        {
            var tensor = request.Inputs[i];
            var place = IndexOf(Inputs, tensor.Name);
            if (place < 0) throw Invalid($"unexpected inference input '{tensor.Name}' for model '{Model}'");
            if (ordered[place] is not null) throw Invalid($"input '{tensor.Name}' already exists in request");
            ordered[place] = tensor;
        }

        if (request.Inputs.Count < Inputs.Count) throw Missing(request, ordered);
        rows = 0;
        for (var i = 0; i < ordered.Length; i++) CheckInput(Inputs[i], ordered[i], ref rows);
        for (var i = 0; i < request.Outputs.Count; i++)
        {
            var output = request.Outputs[i];
            if (IndexOf(Outputs, output) < 0) throw Invalid($"unexpected inference output '{output}' for model '{Model}'");
        }

        if (request.Outputs.Count > 1 && request.Outputs.Distinct().Count() < request.Outputs.Count)
            throw Invalid($"an output is requested twice from model '{Model}': {List(request.Outputs)}");
        return ordered;
    }

    /// <summary>The outputs that a request asked for, in its order; all where it names none.</summary>
    public static IReadOnlyList<InferenceTensor> Select(InferenceRequest request, IReadOnlyList<InferenceTensor> outputs) =>
        request.Outputs.Count == 0 ? outputs : [.. request.Outputs.Select(name => outputs.First(output => output.Name == name))];

    private InferenceException Missing(InferenceRequest request, InferenceTensor?[] ordered)
    {
        var missing = Inputs.Where((_, place) => ordered[place] is null).Select(input => input.Name);
        return Invalid(
            $"expected {Inputs.Count} inputs but got {request.Inputs.Count} inputs for model '{Model}'. " +
            $"Got input(s) {List(request.Inputs.Select(input => input.Name))}, but missing required input(s) {List(missing)}. " +
            "Please provide all required input(s).");
    }

    private void CheckInput(TensorSignature expected, InferenceTensor actual, ref int rows)
    {
        if (actual.DataType != expected.DataType)
        {
            throw Invalid(
                $"inference input '{actual.Name}' data-type is '{actual.DataType.ToProtocolName()}', " +
                $"but model '{Model}' expects '{expected.DataType.ToProtocolName()}'");
        }

        if (!expected.AnyRank && !TensorShape.Matches(expected.Shape, actual.Shape))
        {
            throw Invalid(
                $"unexpected shape for input '{actual.Name}' for model '{Model}'. " +
                $"Expected {TensorShape.Format(expected.Shape)}, got {TensorShape.Format(actual.Shape)}");
        }

        var batch = MaxBatchSize == 0 ? 1 : actual.Shape[0];
        if (batch < 1) throw Invalid($"inference request batch-size must be >= 1 for '{Model}', but input '{actual.Name}' has {batch}");
        if (MaxBatchSize > 0 && batch > MaxBatchSize)
            throw Invalid($"inference request batch-size must be <= {MaxBatchSize} for '{Model}', but input '{actual.Name}' has {batch}");
        if (rows != 0 && rows != batch)
            throw Invalid($"input '{actual.Name}' batch size {batch} does not match other inputs for '{Model}', which have {rows}");
        rows = (int)batch;
    }

    private static int IndexOf(IReadOnlyList<TensorSignature> tensors, string name)
    {
        for (var i = 0; i < tensors.Count; i++)
        {
            if (tensors[i].Name == name) return i;
        }

        return -1;
    }

    private TensorSignature ToSignature(TensorConfig tensor) => new()
    {
        Name = tensor.Name,
        DataType = tensor.DataType,
        Shape = MaxBatchSize > 0 ? [-1, .. tensor.Dims ?? []] : tensor.Dims ?? [-1],
        AnyRank = tensor.Dims is null,
        Labels = tensor.Labels,
    };

    private static string List(IEnumerable<string> names) => $"[{string.Join(',', names.Select(name => $"'{name}'"))}]";

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
