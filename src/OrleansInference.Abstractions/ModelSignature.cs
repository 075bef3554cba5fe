using OrleansInference.Tensors;

namespace OrleansInference;

/// <summary>
/// The inputs and outputs of a model version, either as callers see them or as the network has them, and the check of requests
/// against them. Both have the same shape of rules: what is sent must be exactly what is expected.
/// </summary>
/// <param name="model">The model's name.</param>
/// <param name="maxBatchSize">The most rows in a batch; 0 where tensors have no batch dimension.</param>
/// <param name="inputs">The inputs, in order.</param>
/// <param name="outputs">The outputs, in order.</param>
public sealed class ModelSignature(
    string model, int maxBatchSize, IReadOnlyList<TensorSignature> inputs, IReadOnlyList<TensorSignature> outputs)
{
    /// <summary>What callers of a model send and get.</summary>
    public ModelSignature(ModelDescriptor descriptor)
        : this(descriptor.Id.Name, descriptor.MaxBatchSize, descriptor.Inputs, descriptor.Outputs)
    {
    }

    /// <summary>The model's name.</summary>
    public string Model => model;

    /// <summary>The most rows in a batch; 0 where tensors have no batch dimension.</summary>
    public int MaxBatchSize => maxBatchSize;

    /// <summary>The inputs, in order.</summary>
    public IReadOnlyList<TensorSignature> Inputs => inputs;

    /// <summary>The outputs, in order.</summary>
    public IReadOnlyList<TensorSignature> Outputs => outputs;

    /// <summary>Checks a request's inputs and brings them into the signature's order.</summary>
    /// <param name="request">The request.</param>
    /// <param name="rows">The length of the batch dimension; 1 where there is none.</param>
    /// <param name="maxRows">The most rows, where that is another number than <see cref="MaxBatchSize"/>.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>, in Triton's words where it has some.</exception>
    public InferenceTensor[] Bind(InferenceRequest request, out int rows, int? maxRows = null)
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
        for (var i = 0; i < ordered.Length; i++) CheckInput(Inputs[i], ordered[i], maxRows ?? MaxBatchSize, ref rows);
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

    private void CheckInput(TensorSignature expected, InferenceTensor actual, int maxRows, ref int rows)
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
        if (MaxBatchSize > 0 && batch > maxRows)
            throw Invalid($"inference request batch-size must be <= {maxRows} for '{Model}', but input '{actual.Name}' has {batch}");
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

    private static string List(IEnumerable<string> names) => $"[{string.Join(',', names.Select(name => $"'{name}'"))}]";

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
