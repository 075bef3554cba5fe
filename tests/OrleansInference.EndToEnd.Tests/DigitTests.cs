using System.Net;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;

using SkiaSharp;

namespace OrleansInference.EndToEnd.Tests;

public sealed class DigitTests(SharedService service)
{
    [Fact]
    public async Task A_picture_of_each_digit_is_answered_with_its_label_and_the_scores_of_the_network_itself()
    {
        using var direct = new DirectForward();
        for (var digit = 0; digit < 10; digit++)
        {
            var picture = Samples.Picture(digit);

            var answer = await service.Api.InferPictureAsync(picture);

            Assert.Equal([$"{digit}"], answer.Strings("label"));
            Assert.Equal([1, 10], answer.Shape("scores"));
            var scores = answer.Numbers<float>("scores");
            Assert.Equal(1, scores.Sum(), 1e-5f);
            var expected = direct.Run(picture);
            for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], scores[i], 1e-5f);
        }
    }

    [Fact]
    public async Task A_JPEG_of_each_digit_is_answered_with_its_label()
    {
        for (var digit = 0; digit < 10; digit++)
        {
            using var bitmap = SKBitmap.Decode(Samples.Picture(digit));
            using var jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);

            var answer = await service.Api.InferPictureAsync(jpeg.ToArray(), "image/jpeg");

            Assert.Equal([$"{digit}"], answer.Strings("label"));
        }
    }

    [Fact]
    public async Task Requests_that_come_at_once_share_batches_and_are_all_answered_right()
    {
        const int Requests = 64;
        var before = await service.Api.GetStatsAsync("digits");

        var answers = await Task.WhenAll(Enumerable.Range(0, Requests).Select(i => service.Api.InferPictureAsync(Samples.Picture(i % 10))));

        for (var i = 0; i < Requests; i++) Assert.Equal([$"{i % 10}"], answers[i].Strings("label"));
        var after = await service.Api.GetStatsAsync("digits");
        Assert.Equal(Requests, after.Rows - before.Rows);
        Assert.Equal(Requests, after.Successes - before.Successes);
        Assert.Equal(before.Failures, after.Failures);
        Assert.InRange(after.Executions - before.Executions, 1, Requests - 1);
        Assert.Contains(after.Batches, batch => batch.Key > 1);
        Assert.Equal(after.Rows, after.Batches.Sum(batch => batch.Key * batch.Value));
        Assert.Equal(after.Executions, after.Batches.Sum(batch => batch.Value));
        Assert.Equal(0, after.QueueDepth);
    }

    [Fact]
    public async Task Bytes_that_are_no_picture_are_400()
    {
        var answer = await service.Api.InferPictureAsync("This is no picture."u8.ToArray());

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("not a PNG or JPEG", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_picture_cut_in_half_is_400()
    {
        var picture = Samples.Picture(8);

        var answer = await service.Api.InferPictureAsync(picture[..(picture.Length / 2)]);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("cannot be decoded", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_picture_that_only_claims_to_be_huge_is_400_and_takes_no_memory()
    {
        const int Side = 30_000;
        const long Allowed = 256L * 1024 * 1024;
        var before = service.Program.PeakMemory;

        var answer = await service.Api.InferPictureAsync(PngHeader.Claim(Samples.Picture(1), Side, Side));

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("30000 x 30000", answer.Error, StringComparison.Ordinal);
        Assert.InRange(service.Program.PeakMemory - before, 0, Allowed);
    }
}
