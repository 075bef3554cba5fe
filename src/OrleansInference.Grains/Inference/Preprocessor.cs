using OrleansInference.Engine.Processing;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Inference;

/// <summary>Pure: turns the inputs that callers send into those that the network takes.</summary>
internal static class Preprocessor
{
    /// <summary>Checks a request, which may have done some of the preprocessing itself.</summary>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.InvalidArgument"/>: an input is missing, unknown or of another shape.
    /// </exception>
    public static BoundRequest Bind(ModelVersion model, InferenceRequest request)
    {
        var done = FindDone(model, request);
        var signature = done.Count == 0 ? model.Signature : ModelSignatures.OfModel(model.Config, done);
        var inputs = signature.Bind(request, out _);
        return new(inputs, done.Count == 0 ? model.Config.Preprocessing : [.. model.Config.Preprocessing.Except(done)]);
    }

    /// <summary>Does what the request has not done itself.</summary>
    /// <returns>The network's inputs, in its order.</returns>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: an input is not what the steps need.</exception>
    /// <exception cref="OperationCanceledException">The caller is gone, or its deadline has passed; pictures cost milliseconds each.</exception>
    public static InferenceTensor[] Run(ModelVersion model, BoundRequest request, CancellationToken cancellationToken)
    {
        var read = request.Pending.SelectMany(entry => entry.Inputs).ToHashSet();
        var network = request.Inputs.Where(input => !read.Contains(input.Name)).ToDictionary(input => input.Name);
        foreach (var entry in request.Pending)
        {
            foreach (var made in Make(entry)) network.Add(made.Name, made);
        }

        return [.. model.Network.Inputs.Select(input => network[input.Name])];

        IEnumerable<InferenceTensor> Make(Preprocessing entry) => entry switch
        {
            ImagePreprocessing image => [Decode(Find(image.Input), image, cancellationToken)],
            TabularPreprocessing tabular => [ColumnEncoder.Encode(tabular, Find, cancellationToken)],
            TextPreprocessing text => TextEncoder.Encode(Find(text.Input), text, cancellationToken),
            _ => throw new NotSupportedException($"There is no preprocessing {entry.GetType().Name}."),
        };

        InferenceTensor Find(string name) => Array.Find(request.Inputs, input => input.Name == name)!;
    }

    /// <summary>The preprocessing whose results the request names.</summary>
    private static List<Preprocessing> FindDone(ModelVersion model, InferenceRequest request)
    {
        var done = new List<Preprocessing>();
        foreach (var entry in model.Config.Skippable)
        {
            var results = entry.Outputs.Count(output => Has(output.Name));
            if (results == 0) continue;
            var sent = entry.Inputs.Any(Has);
            if (sent || results < entry.Outputs.Count)
            {
                throw new InferenceException(
                    InferenceError.InvalidArgument,
                    $"model '{model.Id.Name}' takes either input(s) {List(entry.Inputs)} or all of " +
                    $"{List(entry.Outputs.Select(output => output.Name))}, which preprocessing makes of them, but the request has {List(request.Inputs.Select(input => input.Name))}");
            }

            done.Add(entry);
        }

        return done;

        bool Has(string name) => request.Inputs.Any(input => input.Name == name);
    }

    private static InferenceTensor Decode(InferenceTensor input, ImagePreprocessing image, CancellationToken cancellationToken)
    {
        var pictures = input.ToBytes();
        var rows = new RowsBuilder<float>(image.Output, pictures.Count, image.Shape);
        for (var i = 0; i < pictures.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ImageDecoder.Decode(pictures[i], image, rows[i], $"input '{input.Name}', picture {i},");
        }

        return rows.ToTensor();
    }

    private static string List(IEnumerable<string> names) => $"[{string.Join(',', names.Select(name => $"'{name}'"))}]";
}

/// <summary>The inputs of a request that has been checked, and the preprocessing that they still need.</summary>
internal readonly record struct BoundRequest(InferenceTensor[] Inputs, IReadOnlyList<Preprocessing> Pending);
