using System.Runtime.InteropServices;

using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Inference;

/// <summary>Pure: turns the inputs that callers send into those that the network takes.</summary>
internal static class Preprocessor
{
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: an input is not what the steps need.</exception>
    /// <exception cref="OperationCanceledException">The caller is gone, or its deadline has passed; pictures cost milliseconds each.</exception>
    public static InferenceTensor[] Run(ModelVersion model, InferenceRequest request, CancellationToken cancellationToken)
    {
        var inputs = model.Signature.Bind(request, out _);
        for (var i = 0; i < inputs.Length; i++)
        {
            if (model.Config.Preprocessing.FirstOrDefault(step => step.Input == inputs[i].Name) is { } image)
                inputs[i] = Decode(inputs[i], image, cancellationToken);
        }

        return inputs;
    }

    private static InferenceTensor Decode(InferenceTensor input, ImagePreprocessing image, CancellationToken cancellationToken)
    {
        var pictures = input.ToBytes();
        var perPicture = image.Channels * image.Height * image.Width;
        var data = new byte[(long)pictures.Count * perPicture * sizeof(float)];
        var pixels = MemoryMarshal.Cast<byte, float>(data.AsSpan());
        for (var i = 0; i < pictures.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ImageDecoder.Decode(pictures[i], image, pixels.Slice(i * perPicture, perPicture), $"input '{input.Name}', picture {i},");
        }

        return new(image.Output, DataType.Float32, [pictures.Count, .. image.Shape], data);
    }
}
